/** What else works there, as looks find it: statements of applications on average, and workers. On a server of its own. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessKind, readPressure, reportUsage } from '@rekey/control';
import { openStore } from '@rekey/db';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';

const server = await startPostgres({ settings: { fsync: 'off', shared_buffers: '32MB' } });
thisFile.after(() => server.stop());
const url = await createDatabase(server.url, 'rekey_active');
await migrate(url);
const store = (max: number, applicationName = 'shop') => {
  const opened = openStore({ ...patient, url, max, applicationName, onError: () => {} });
  thisFile.after(() => opened.end());
  return opened;
};
const ours = store(2, 'rekey-worker');
const looks = async (n: number): Promise<number[]> => {
  const found: number[] = [];
  for (let look = 0; look < n; look += 1) {
    const { activeSessions } = await readPressure(ours);
    assert.ok(activeSessions !== null);
    found.push(Number(activeSessions));
    await sleep(20 + 30 * Math.random());
  }
  return found;
};
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test('statements are counted by the part of the time that they take', async () => {
  assert.deepEqual(new Set(await looks(3)), new Set([0]), 'nobody is there');
  const shop = store(4);
  let isOpen = true;
  const clients = Array.from({ length: 4 }, async () => {
    while (isOpen) {
      await shop.query('select pg_sleep(0.01)');
      await sleep(60 * Math.random()); // not all in step
    }
  });
  await sleep(100);
  const found = await looks(25);
  isOpen = false;
  await Promise.all(clients);
  // Four clients, each a quarter of its time; the machine may have added to either part.
  assert.ok(mean(found) > 0.4 && mean(found) < 2.5, found.map((value) => value.toFixed(2)).join(' '));
  assert.deepEqual(new Set(await looks(2)), new Set([0]), 'what is over is over');
});

test('what takes long counts for one; our own processes do not count', async () => {
  const own = store(2, 'rekey-api').query('select pg_sleep(3)');
  const long = store(1).query('select pg_sleep(3)');
  // Both have connected by then, on a busy machine too.
  await sleep(500);
  await until(async () => (await looks(1)).includes(1), { what: 'the long one is seen' });
  assert.deepEqual(new Set(await looks(2)), new Set([1]));
  await Promise.all([own, long]);
});

test('whose activity nobody tracks is not taken for idle', async () => {
  const client = store(1);
  await client.query('set track_activities = off');
  await client.query('select 1');
  assert.equal((await readPressure(ours)).activeSessions, null);
});

test('workers that live are counted, without those that ended, fell silent, or are none', async () => {
  const client = store(1);
  const report = (processId: string, kind: ProcessKind, ends = false): Promise<void> =>
    reportUsage(client, {
      processId,
      kind,
      host: 'here',
      version: '1',
      ends,
      toldAll: true,
      opened: [],
      proved: [],
      latencies: {},
    });
  const workers = async (): Promise<number> => (await readPressure(ours)).workers;
  const [first, second] = [randomUUID(), randomUUID()];
  assert.equal(await workers(), 0);
  await report(first, 'worker');
  await report(second, 'worker');
  await report(randomUUID(), 'vault');
  assert.equal(await workers(), 2);
  await report(first, 'worker', true);
  assert.equal(await workers(), 1);
  await client.query(
    `update rekey.processes set heartbeat_at = heartbeat_at - interval '4 minutes' where id = $1`,
    [second],
  );
  assert.equal(await workers(), 0);
});
