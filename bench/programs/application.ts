/**
 * An application at work: reads and writes a tenant's records through the vault at a fixed pace, each operation timed
 * from when it was due, until `APP_MS` have passed or SIGTERM comes; then prints the latencies as one line of JSON.
 * Started by `series/application.ts`, configured by environment.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, rows } from '@rekey/db';
import { openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { percentile } from '../stats.ts';

const {
  DATABASE_URL = '',
  KEK_URI = '',
  APP_TENANT = '',
  APP_TARGET = '',
  APP_TABLE = '',
  APP_READS_PER_SECOND = '0',
  APP_WRITES_PER_SECOND = '0',
  APP_VALUE_BYTES = '0',
  APP_CLIENTS = '0',
  APP_MS = '0',
} = process.env;

const recordsUsed = 20_000;
const connections = 20;
const warmUpMs = 3_000;
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

const store = openStore({ url: DATABASE_URL, max: connections, onError: () => {} });
const kek = await openKek(KEK_URI);
const vault = createVault({ store, kek });
const found = await rows<{ id: string }>(
  store,
  `select id::text from ${APP_TABLE} where tenant_id = $1 order by random() limit ${recordsUsed}`,
  [APP_TENANT],
);
const ids = found.map(({ id }) => id);
const record = (): { target: string; tenantId: string; id: string } => ({
  target: APP_TARGET,
  tenantId: APP_TENANT,
  id: ids[Math.floor(Math.random() * ids.length)] ?? '',
});
const read = async (): Promise<void> => {
  if ((await vault.get(record())) === null) throw new Error('a record is gone');
};
const write = (): Promise<void> => vault.put({ ...record(), value: randomBytes(Number(APP_VALUE_BYTES)) });

// An application has been at work for long: its connections are open, and its code is compiled.
await Promise.all(Array.from({ length: connections / 2 }, () => [read(), write()]).flat());
await work(warmUpMs);
process.stdout.write('ready\n');
const [reads, writes] = await (APP_CLIENTS === '0' ? work(Number(APP_MS)) : asFastAsItGoes(Number(APP_MS)));
await vault.close();
await store.end();
process.stdout.write(`${JSON.stringify({ reads: summary(reads), writes: summary(writes) })}\n`);

function work(ms: number): Promise<[reads: number[], writes: number[]]> {
  const endAt = performance.now() + ms;
  return Promise.all([
    paced(read, Number(APP_READS_PER_SECOND), endAt),
    paced(write, Number(APP_WRITES_PER_SECOND), endAt),
  ]);
}

/** So many clients, each with one operation after the other: four reads, then a write. */
async function asFastAsItGoes(ms: number): Promise<[reads: number[], writes: number[]]> {
  const endAt = performance.now() + ms;
  const reads: number[] = [];
  const writes: number[] = [];
  const client = async (): Promise<void> => {
    for (let n = 0; performance.now() < endAt && !stop.signal.aborted; n += 1) {
      const [operation, latencies] = n % 5 === 4 ? ([write, writes] as const) : ([read, reads] as const);
      const begun = performance.now();
      await operation();
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: Number(APP_CLIENTS) }, client));
  return [reads, writes];
}

/** Starts one operation after the other when it is due, whether or not the last one has ended. */
async function paced(operation: () => Promise<void>, perSecond: number, endAt: number): Promise<number[]> {
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  const begun = performance.now();
  for (let n = 0; performance.now() < endAt && !stop.signal.aborted; n += 1) {
    const due = begun + (n * 1_000) / perSecond;
    const early = due - performance.now();
    // No timer is quicker than a millisecond: what is due already is begun at once, else the pace would be lost and be taken for latency.
    if (early > 0) await sleep(early, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    const running = operation().then(() => {
      latencies.push(performance.now() - due);
      underWay.delete(running);
    });
    underWay.add(running);
  }
  await Promise.all(underWay);
  return latencies;
}

function summary(latencies: readonly number[]): Record<string, number> {
  return {
    count: latencies.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: percentile(latencies, 1),
  };
}
