import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { requestCancel } from './cancel-request.ts';
import { inside } from './inside.ts';
import { createLeftovers, type Leftovers } from './leftovers.ts';
import type { Session, StoreClient, StoreClientClass } from './store-client.ts';
import { StoreError, translate, translateAll } from './store-error.ts';

/** How long a session is taken to be as it was prepared while its connection is used. */
const renewAfterMs = 15_000;

export interface StorePoolOptions extends PoolConfig {
  readonly max: number;
  readonly Client: StoreClientClass;
  readonly silentMaxMs: number | undefined;
}

type Taken = (error: Error | undefined, client?: PoolClient, release?: PoolClient['release']) => void;

/** What somebody has of a pool for a while: how long its connection may be silent, other than the pool's. */
const patience = new WeakMap<object, number>();

/** From now until it is given back the connection is cut only after that long without a word. */
export function bePatient(client: object, silentMaxMs: number): void {
  patience.set(client, silentMaxMs);
}

export function sessionOf(client: object): Session | undefined {
  return 'session' in client ? (client as StoreClient).session : undefined; // ours are the only ones that have it
}

/** What Postgres lacked when it last refused something of a pool's, and when it did. */
const shortages = new WeakMap<object, { readonly at: number; readonly error: StoreError }>();
/** A full disk, no memory, files that cannot be read: none of it passes with another connection. */
const shortageStates = new Set(['53100', '53200', '58030']);

/** What a pool was told of a shortage in the last `withinMs`. */
export function shortageOf(pool: object, withinMs: number): StoreError | undefined {
  const found = shortages.get(pool);
  return found !== undefined && performance.now() - found.at < withinMs ? found.error : undefined;
}

/**
 * A pool whose connections are what they were when they were made, or are not given out: a session that was reset is
 * set again; one whose server has become a standby, or on which Postgres said that it is no use any more, is closed.
 */
export class StorePool extends Pool {
  private readonly leftovers: Leftovers;
  private readonly fullSize: number;

  constructor({ silentMaxMs, ...options }: StorePoolOptions) {
    super(options);
    this.fullSize = options.max;
    this.leftovers = createLeftovers(options.Client.look, (count) => {
      // Their backends still have a connection each; others could be refused theirs.
      const atLeast = count < 2 * this.fullSize ? 1 : 0;
      this.options.max = Math.max(atLeast, this.fullSize - count);
    });
    // A connection that dies while it is taken fails the statement under way; without a listener it would end the process.
    this.on('connect', (client) => {
      client.on('error', () => {});
      inside(client).connection.on('errorMessage', (message: Error & { readonly code?: string }) => {
        if (message.code === undefined || !shortageStates.has(message.code)) return;
        shortages.set(this, { at: performance.now(), error: translateAll(message) });
      });
    });
    if (silentMaxMs !== undefined) this.cutTheSilent(silentMaxMs);
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Taken): void;
  override connect(callback?: Taken): Promise<PoolClient> | undefined {
    const taken = this.take();
    if (callback === undefined) return taken;
    taken.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  override async end(): Promise<void> {
    this.leftovers.stop();
    await super.end();
  }

  private async take(): Promise<PoolClient> {
    for (;;) {
      const client = await super.connect();
      const session = sessionOf(client);
      if (session === undefined) return client;
      const isNew = performance.now() - session.preparedAt < renewAfterMs;
      if (!isNew) {
        try {
          await session.renew();
        } catch (error) {
          client.release(error instanceof Error ? error : true);
          // Of a connection that had died, or whose server has changed, the next may be better; a new one says why not.
          if (translate(error) instanceof StoreError) continue;
          throw error;
        }
      }
      const release = client.release;
      client.release = (error) => release.call(client, error || session.spoilt);
      return client;
    }
  }

  private cutTheSilent(silentMaxMs: number): void {
    const timers = new Map<PoolClient, NodeJS.Timeout>();
    const watch = (client: PoolClient, heard: number, since: number): void => {
      const limit = patience.get(client) ?? silentMaxMs;
      const look = (): void => {
        const { stream } = inside(client).connection;
        const now = performance.now();
        if (stream.bytesRead !== heard) watch(client, stream.bytesRead, now);
        else if (now - since < (patience.get(client) ?? silentMaxMs)) watch(client, heard, since);
        else void this.cut(client);
      };
      timers.set(client, setTimeout(look, Math.ceil(limit / 4)));
    };
    this.on('acquire', (client) =>
      watch(client, inside(client).connection.stream.bytesRead, performance.now()),
    );
    this.on('release', (_error, client) => {
      clearTimeout(timers.get(client));
      timers.delete(client);
      patience.delete(client);
    });
  }

  /** The statement under way fails as after any lost connection. */
  private async cut(client: PoolClient): Promise<void> {
    const { connection, processID, secretKey } = inside(client);
    const session = sessionOf(client);
    if (session !== undefined && processID !== null && secretKey !== null && mayBeCancelled(client)) {
      await requestCancel(session.attempt, { processID, secretKey });
    }
    connection.stream.destroy();
    if (session !== undefined) this.leftovers.add(session.pid);
  }
}

/**
 * A commit may be waiting for a synchronous standby. To cancel it then makes it visible to others without being safe,
 * so that goes its way; and outside a transaction every statement commits.
 */
function mayBeCancelled(client: PoolClient): boolean {
  const undeclared = inside(client);
  if (undeclared.getTransactionStatus() !== 'T') return false;
  return !/^\s*commit\b/i.test(undeclared._getActiveQuery()?.text ?? '');
}
