import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchRedis } from '@rekey/jobs';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { openDoor } from '../harness/door.ts';
import { until } from '../harness/wait.ts';
import { admin, codes, keys, parts, password, port, server, wellAgain } from './refusing-redis.ts';

test('behind one address, whoever is refused by the demoted server comes over to the new one by itself', async (t) => {
  const second = await startRedis();
  t.after(() => second.stop());
  const there = new Redis(second.url, { maxRetriesPerRequest: null });
  t.after(() => there.disconnect());
  await there.config('SET', 'requirepass', decodeURIComponent(password));
  await there.auth(decodeURIComponent(password));
  const door = await openDoor(Number(port), { owner: t });
  const all = parts(`redis://:${password}@127.0.0.1:${door.port}`, t);
  await wellAgain(all);
  const before = door.opened();
  door.leadTo(Number(new URL(second.url).port));
  await admin.call('REPLICAOF', '127.0.0.1', '1');
  t.after(async () => {
    await admin.call('REPLICAOF', 'NO', 'ONE');
  });
  const began = performance.now();
  await wellAgain(all);
  t.diagnostic(`over after ${Math.round(performance.now() - began)} ms`);
  assert.ok(door.opened() >= before + 3);
  assert.ok((await there.keys(`${keys}:*`)).length > 0, 'the tickets are there');
});

test('a server that stays refused is not called again and again', async (t) => {
  const door = await openDoor(Number(port), { owner: t });
  const all = parts(`redis://:${password}@127.0.0.1:${door.port}`, t);
  await wellAgain(all);
  const before = door.opened();
  await admin.config('SET', 'min-replicas-to-write', '1');
  const until3s = performance.now() + 3_000;
  while (performance.now() < until3s) {
    await Promise.all([all.works(), codes(all)]);
    await sleep(5);
  }
  await admin.config('SET', 'min-replicas-to-write', '0');
  const made = door.opened() - before;
  assert.ok(made >= 3 && made <= 15, `${made} connections in three seconds`);
  await wellAgain(all);
});

test('trouble that lasts is said after a while, then each interval, and once when it is over; a hiccup is not', async (t) => {
  const all = parts(server.url, t);
  await wellAgain(all);
  const said: string[] = [];
  const watch = watchRedis({
    parts: [all.ticketQueue, all.snapshots],
    onTrouble: ({ code }, ms) => said.push(`${code} ${ms >= 1_500}`),
    onOver: ({ code }, ms) => said.push(`over ${code} ${ms >= 5_000}`),
    afterMs: 1_500,
    againMs: 2_000,
  });
  t.after(async () => watch.close());
  await admin.config('SET', 'maxmemory', '1');
  await sleep(700);
  await admin.config('SET', 'maxmemory', '0');
  await sleep(1_500);
  assert.equal(said.length, 0);
  await admin.config('SET', 'maxmemory', '1');
  await until(() => said.length === 2, { what: 'said twice' });
  await sleep(1_500);
  await admin.config('SET', 'maxmemory', '0');
  await until(() => said.some((one) => one.startsWith('over')), { what: 'over' });
  await sleep(1_500);
  assert.deepEqual(new Set(said), new Set(['FULL true', 'over FULL true']));
  assert.equal(said.filter((one) => one.startsWith('over')).length, 1);
  assert.ok(said.length <= 4, said.join());
});
