import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@rekey/db';
import type { Owner } from '../harness/cleanup.ts';
import type { TestDatabase } from '../harness/database.ts';
import { watchStalls } from '../harness/stalls.ts';

/** A table whose rows look like sealed records of these tenants under their first DEK, and that nothing guards yet. */
export async function makeLarge(
  store: Store,
  name: string,
  tenants: readonly string[],
  rows: number,
): Promise<void> {
  await store.query(`create table ${name} (
    id uuid primary key, tenant_id uuid not null, key_number integer, ciphertext bytea, note integer not null default 0
  ) with (fillfactor = 90)`);
  await store.query(
    `insert into ${name} select gen_random_uuid(), ($1::uuid[])[1 + n % $2], 1,
       '\\x01'::bytea || int4send(1) || decode(repeat(md5(n::text), 5), 'hex')
     from generate_series(1, $3) n`,
    [tenants, tenants.length, rows],
  );
  await store.query(`create index on ${name} (tenant_id, id)`);
  await store.query(`analyze ${name}`);
}

const readsPerSecond = 200;
const writesPerSecond = 50;

export interface Load {
  forMs(ms: number): Promise<unknown>;
  stop(): Promise<{
    readonly operations: number;
    /** From the moment that an operation was due. */
    readonly longestMs: number;
    /** For a lock, as the server tells while it lasts; without the time in which nobody got on, whatever they did. */
    readonly longestWaitMs: number;
    readonly failures: readonly unknown[];
  }>;
}

/** Readers and writers of a table, each at their rate whatever the others do. */
export function startLoad(
  database: TestDatabase,
  owner: Owner,
  table: string,
  tenants: readonly string[],
  /** Of the rows that are inserted; none: they are no sealed records. */
  key: 1 | null = 1,
): Load {
  const pool = database.pool({ max: 40, application_name: 'load' });
  const watcher = database.pool({ max: 1 });
  const beside = database.pool({ max: 1 });
  const ended = new AbortController();
  owner.after(async () => ended.abort());
  const ids: string[] = [];
  const failures: unknown[] = [];
  let [operations, longestMs, longestWaitMs, turn] = [0, 0, 0, 0];

  const tenantOf = (n: number): string => tenants[n % tenants.length] ?? '';
  const write = (): Promise<unknown> => {
    turn += 1;
    const id = ids[Math.floor(ids.length * ((turn * 0.618) % 1))] ?? randomUUID();
    switch (turn % 5) {
      case 0:
        return pool.query(`delete from ${table} where id = $1`, [id]);
      case 1:
        return pool.query(`update ${table} set key_number = null, ciphertext = null where id = $1`, [id]);
      case 2:
        return pool.query(`update ${table} set note = note + 1 where id = $1`, [id]);
      default: {
        const made = randomUUID();
        ids.push(made);
        return pool.query(
          `insert into ${table} values ($1, $2, $3::int, case when $3 is not null then '\\x0100000001ff'::bytea end)`,
          [made, tenantOf(turn), key],
        );
      }
    }
  };
  const read = (): Promise<unknown> =>
    pool.query(`select ciphertext from ${table} where id >= $1 order by id limit 1`, [randomUUID()]);

  const atRate = async (perSecond: number, work: () => Promise<unknown>): Promise<void> => {
    const underWay = new Set<Promise<void>>();
    const began = performance.now();
    for (let n = 0; !ended.signal.aborted; n += 1) {
      const due = began + (n * 1_000) / perSecond;
      await sleep(Math.max(0, due - performance.now()));
      const one = work()
        .then(() => {
          longestMs = Math.max(longestMs, performance.now() - due);
        })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underWay.delete(one));
      underWay.add(one);
      operations += 1;
    }
    await Promise.all(underWay);
  };
  const watch = async (): Promise<void> => {
    const stalls = await watchStalls(beside);
    while (!ended.signal.aborted) {
      const { rows } = await watcher.query(
        `select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart) * 1000), 0)::float8 as ms
         from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'load'`,
      );
      const [now, ms] = [performance.now(), rows[0]?.ms ?? 0];
      longestWaitMs = Math.max(longestWaitMs, ms - stalls.between(now - ms, now));
      await sleep(5);
    }
    await stalls.stop();
  };
  // Opened before anything is measured.
  const warm = Promise.all(Array.from({ length: 40 }, () => pool.query('select pg_sleep(0.2)')));
  const parts = warm.then(() =>
    Promise.all([atRate(readsPerSecond, read), atRate(writesPerSecond, write), watch()]),
  );
  parts.catch((error: unknown) => void failures.push(error));
  return {
    forMs: (ms) => warm.then(() => sleep(ms)),
    async stop() {
      ended.abort();
      await parts;
      return { operations, longestMs, longestWaitMs, failures };
    },
  };
}
