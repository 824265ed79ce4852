import { Client, type ClientConfig, Pool, type PoolClient, type QueryResultRow } from 'pg';
import { StoreError, speaking } from './store-error.ts';

/** A pool of connections to Postgres. Whoever opened it calls `end()`. */
export type Store = Pool;

/** Anything that takes a statement: the pool, or a connection with an open transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

export interface StoreOptions {
  readonly url: string;
  /** Connections at most. */
  readonly max?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Settings of every session, by the names that Postgres gives them. */
  readonly session?: Readonly<Record<string, string | number>>;
  /** How long one connection may be in the making; by default short enough for an API that waits for it. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection that is taken for longer than this is cut: its other end is gone without a word, and would be waited
   * for until TCP gives up, which takes a quarter of an hour or two. Absent: it may be taken for ever (to listen on).
   */
  readonly takenMaxMs?: number;
  /** Called for connections that die while idle; the pool replaces them by itself. */
  readonly onError: (error: Error) => void;
}

/**
 * An API that waits for it answers 503 after it. TCP sends a lost first packet again after a second, and forty
 * connections at once (a start of everything after an outage) took a small server one: less calls it dead for nothing.
 */
const promptConnectMs = 2_000;

/**
 * How long a caller queues for one of the pool's connections. All of them being busy does not mean that Postgres is
 * away: hundreds of rotate calls at once for one tenant take turns on its row, and are to be told 409, not 503.
 */
const queueTimeoutMs = 8_000;

/** The pool's own timeout is the one for queueing; this one gives up sooner on a server that does not answer. */
function clientThatGivesUp(connectTimeoutMs: number): typeof Client {
  return class extends Client {
    constructor(config?: string | ClientConfig) {
      super(typeof config === 'object' ? { ...config, connectionTimeoutMillis: connectTimeoutMs } : config);
    }
  };
}

/** Opens a pool; connects only when first used. */
export function openStore({
  url,
  max = 10,
  applicationName = 'rekey',
  session = {},
  connectTimeoutMs = promptConnectMs,
  takenMaxMs,
  onError,
}: StoreOptions): Store {
  const pool = new Pool({
    connectionString: withSession(url, session),
    max,
    application_name: applicationName,
    connectionTimeoutMillis: queueTimeoutMs,
    Client: clientThatGivesUp(connectTimeoutMs),
    keepAlive: true,
  });
  pool.on('error', onError);
  // A connection that dies while it is taken fails the statement under way; without a listener it would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  if (takenMaxMs !== undefined) cutWhatIsTakenTooLong(pool, takenMaxMs);
  return pool;
}

function cutWhatIsTakenTooLong(pool: Pool, takenMaxMs: number): void {
  const timers = new Map<PoolClient, NodeJS.Timeout>();
  pool.on('acquire', (client) => {
    const cut = (): void => {
      // With a statement under way this destroys the socket, and the statement fails as after any lost connection.
      if (client instanceof Client) void client.end().catch(() => {});
    };
    timers.set(client, setTimeout(cut, takenMaxMs));
  });
  pool.on('release', (_error, client) => {
    clearTimeout(timers.get(client));
    timers.delete(client);
  });
}

/** Settings that the URL itself brings (`?options=…`) stay; ours come behind them, and the last one counts. */
function withSession(url: string, session: Readonly<Record<string, string | number>>): string {
  const settings = Object.entries(session).map(([name, value]) => `-c ${name}=${value}`);
  if (settings.length === 0) return url;
  const merged = new URL(url);
  const given = merged.searchParams.get('options');
  merged.searchParams.set('options', [...(given === null ? [] : [given]), ...settings].join(' '));
  return merged.href;
}

/**
 * For what workers do. They do nothing slow inside a transaction, so one that stands still is a process that was
 * stopped or cut off: it must not keep applications waiting for what it locks until it moves again or TCP gives up.
 *
 * Their statements have one good plan each, whatever the values: it is made once, not for each of the first executions
 * too. That may be while there is hardly a rotation yet, when reading a table through looks cheapest, and the plan stays
 * when there are thousands: after 2,000 of them two of a rotation's statements took 2 ms each.
 */
export const workerSession = {
  idle_in_transaction_session_timeout: 800,
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  jit: 'off', // which Postgres before 18 would try on what cannot but be read through
} as const;

/**
 * Opens a pool for the sweep: for reading, writing and counting records range by range.
 *
 * Its sessions wait for a lock far shorter than Postgres' `deadlock_timeout` (1 s by default), so that the sweep gives
 * way before an application could be chosen as a deadlock's victim; a batch takes milliseconds.
 *
 * They also know only one plan, by index and in the order of ids: the planner guesses how many records a batch
 * touches from statistics that a bulk load has not refreshed yet, and a hash join over the whole table per batch made
 * the sweep five times slower.
 *
 * And they do not wait for the disk at each commit. What a crash of Postgres may take back (batches of the last
 * moments with their counts and cursors, all or none of each) is still there under the older DEK, and is swept again.
 * Whatever others build on is committed through {@link openStore}, and flushes all of this with it: the switch, every
 * published snapshot, the end. Above all the material of a DEK, which processes fetch as soon as they see it.
 */
export function openSweepStore(options: Omit<StoreOptions, 'session'>): Store {
  return openStore({
    ...options,
    session: {
      ...workerSession,
      lock_timeout: 50,
      synchronous_commit: 'off',
      enable_hashjoin: 'off',
      enable_mergejoin: 'off',
      enable_bitmapscan: 'off',
      enable_sort: 'off',
    },
  });
}

/** One statement; its rows. Throws {@link StoreError}. */
export async function rows<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return speaking(async () => (await on.query<Row>(text, [...values])).rows);
}

/** One statement that yields exactly one row. */
export async function row<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row> {
  const [first] = await rows<Row>(on, text, values);
  if (first === undefined) throw new StoreError('REFUSED', 'A statement that yields one row yielded none');
  return first;
}

/**
 * Runs `work` in a transaction of its own: committed when it returns, rolled back when it throws. A connection
 * whose rollback fails is thrown away. `lockTimeoutMs` takes the place of the session's. A `COMMIT` whose answer was lost throws `UNAVAILABLE`: it may have happened.
 */
export async function inTransaction<T>(
  store: Store,
  work: (tx: PoolClient) => Promise<T>,
  { lockTimeoutMs }: { readonly lockTimeoutMs?: number } = {},
): Promise<T> {
  const client = await speaking(() => store.connect());
  let broken: Error | undefined;
  // Without a listener, a connection that dies while checked out would end the process.
  const onDeath = (error: Error): void => {
    broken = error;
  };
  client.on('error', onDeath);
  try {
    return await speaking(async () => {
      await client.query(
        lockTimeoutMs === undefined ? 'begin' : `begin; set local lock_timeout = ${lockTimeoutMs}`,
      );
      const result = await work(client);
      await client.query('commit');
      return result;
    });
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.off('error', onDeath);
    client.release(broken);
  }
}
