import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { openDoor } from '../harness/door.ts';
import { forTests } from '../harness/process.ts';
import { until } from '../harness/wait.ts';
import { good, refusal, start } from './starting-worker.ts';

test('a Redis that evicts keys is refused in one line that names the policy', async (t) => {
  const evicting = await startRedis();
  t.after(() => evicting.stop());
  const client = new Redis(evicting.url);
  await client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  client.disconnect();
  const lines = await refusal({ ...good, REDIS_URL: evicting.url });
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] ?? '', /allkeys-lru.*noeviction/);
});

test('a Redis that is away is waited for: the worker is alive meanwhile, and ready when it is there', async (t) => {
  const first = await startRedis();
  const { url } = first;
  await first.stop();
  const worker = start({ ...good, REDIS_URL: url, HEALTH_PORT: '0' });
  t.after(async () => {
    await worker.stop();
  });
  await until(() => worker.logs().includes('redis is away'), { what: 'it says that Redis is away' });
  const back = await startRedis({ at: url });
  t.after(() => back.stop());
  await worker.ready;
});

test('a Cluster that is away is waited for as well, and not in silence', async (t) => {
  const worker = start({
    ...good,
    ...forTests,
    REDIS_URL: 'redis+cluster://127.0.0.1:1',
    QUEUE_PREFIX: '{rekey}',
  });
  t.after(async () => {
    worker.kill('SIGKILL');
    await worker.exited;
  });
  await until(() => worker.logs().includes('redis is away'), {
    what: 'it says that Redis is away',
    timeoutMs: 30_000,
  });
});

test('a Redis that can never do is refused in one line with the reason, and no password', async (t) => {
  const own = await startRedis();
  t.after(() => own.stop());
  const { port, password } = new URL(own.url);
  const admin = new Redis(own.url);
  t.after(async () => admin.disconnect());
  const user = async (name: string, ...rules: string[]): Promise<string> => {
    await admin.call('ACL', 'SETUSER', name, 'on', '>pw-hidden', '~*', '&*', '+@all', ...rules);
    return `redis://${name}:pw-hidden@127.0.0.1:${port}`;
  };
  const old = await openDoor(Number(port), {
    owner: t,
    rewrite: (text) => text.replace(/redis_version:\d\.\d/, 'redis_version:5.0'),
  });
  for (const [env, says] of [
    [{ REDIS_URL: await user('scripts', '-@scripting') }, /REDIS_URL.*may not run.*EVALSHA/],
    [{ REDIS_URL: await user('keys', 'resetkeys', '~other:*') }, /REDIS_URL.*QUEUE_PREFIX/],
    [{ REDIS_URL: await user('blocking', '-@blocking') }, /REDIS_URL.*BZPOPMIN/],
    [{ REDIS_URL: `redis://:wrong-hidden@127.0.0.1:${port}` }, /REDIS_URL.*password/],
    [{ REDIS_URL: `redis://:${password}@127.0.0.1:${old.port}` }, /REDIS_URL.*older than 6\.2.*\(5\.0\)/],
    [{ REDIS_URL: 'redis+cluster://127.0.0.1:1', QUEUE_PREFIX: 'rekey' }, /QUEUE_PREFIX.*braces/],
    [{ REDIS_URL: 'redis+cluster://127.0.0.1:1', QUEUE_PREFIX: '{}rekey' }, /QUEUE_PREFIX.*braces/],
  ] as const) {
    const lines = await refusal({ ...good, ...env });
    const ours = lines.filter((line) => line.startsWith('config:'));
    assert.equal(ours.length, 1, lines.join('\n'));
    assert.match(ours[0] ?? '', says);
    assert.doesNotMatch(lines.join('\n'), /hidden/);
  }
});

test('a replica, or a Redis that hides what it is, is no reason to refuse: the one is waited for, the other used', async (t) => {
  const own = await startRedis();
  t.after(() => own.stop());
  const admin = new Redis(own.url);
  t.after(async () => admin.disconnect());
  await admin.call('REPLICAOF', '127.0.0.1', '1');
  const rules = ['on', '>pw', '~*', '&*', '+@all', '-info', '-config', '-client'];
  await admin.call('ACL', 'SETUSER', 'managed', ...rules);
  const url = `redis://managed:pw@127.0.0.1:${new URL(own.url).port}`;
  const worker = start({ ...good, ...forTests, REDIS_URL: url });
  t.after(async () => {
    await worker.stop();
  });
  await until(() => worker.logs().includes('"code":"READ_ONLY"'), { what: 'it says so', timeoutMs: 30_000 });
  const { url: health } = JSON.parse(await worker.ready);
  assert.equal((await fetch(`${health}/readyz`)).status, 503);
  await admin.call('REPLICAOF', 'NO', 'ONE');
  await until(async () => (await fetch(`${health}/readyz`)).status === 200, { what: 'it is ready' });
});
