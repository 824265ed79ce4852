import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { createDatabase, dropDatabase, startProcess, startRedis, workerFlags } from '@rekey/stack';
import { Redis } from 'ioredis';
import { cipherHere } from '../harness/ciphers.ts';
import { createTestDatabase } from '../harness/database.ts';
import { openDoor } from '../harness/door.ts';
import { testEnvironment } from '../harness/environment.ts';
import { notNice } from '../harness/process.ts';
import { testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const redis = testRedis();
const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));
const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);

const good = {
  DATABASE_URL: database.url,
  REDIS_URL: redis.url,
  QUEUE_PREFIX: redis.prefix,
  KEK_URI: `local:${kekFile}`,
};

function start(env: Record<string, string>) {
  const entry = fileURLToPath(new URL('../../apps/worker/src/main.ts', import.meta.url));
  return startProcess({ name: 'worker', entry, env, readyLine: '"msg":"worker ready"', flags: workerFlags });
}

/** The lines that a worker which refuses to start says; it has to end by itself, unsuccessfully and soon. */
async function refusal(env: Record<string, string>): Promise<string[]> {
  const worker = start({ ...notNice, ...env });
  const started = await worker.ready.then(
    () => true,
    () => false,
  );
  await worker.stop(); // one that started after all must not outlive the test
  assert.equal(started, false, 'it started');
  const { code } = await worker.exited;
  assert.equal(code, 1, worker.logs());
  assert.doesNotMatch(worker.logs(), /^\s+at /m, 'no stack');
  return worker.logs().trim().split('\n');
}

test('without its variables a worker says so in one line for each, and ends', async () => {
  const lines = await refusal({});
  assert.equal(lines.length, 3, lines.join('\n'));
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'KEK_URI'])
    assert.ok(
      lines.some((line) => line.includes(name)),
      name,
    );
});

test('malformed variables are named in one line each, without a password', async () => {
  const lines = await refusal({
    ...good,
    DATABASE_URL: 'mysql://root:hidden@host/db',
    REDIS_URL: 'redis://:hidden@one,two',
    DATABASE_CONNECTIONS_MAX: '4',
    WORKER_CONCURRENCY: 'many',
    BATCH_SIZE: '0',
    WORKER_STATEMENTS: '0',
    WORKER_NICENESS: '-1',
    LOG_LEVEL: 'loud',
    QUEUE_PREFIX: 'a:b',
  });
  const names = [
    'DATABASE_URL',
    'DATABASE_CONNECTIONS_MAX is malformed: it must be a number from 5 to 1000',
    'REDIS_URL',
    'WORKER_CONCURRENCY',
    'BATCH_SIZE',
    'WORKER_STATEMENTS',
    'WORKER_NICENESS',
    'LOG_LEVEL',
    'QUEUE_PREFIX',
  ];
  assert.equal(lines.length, names.length, lines.join('\n'));
  for (const name of names)
    assert.equal(lines.filter((line) => line.includes(name)).length, 1, `${name}: ${lines.join('\n')}`);
  assert.doesNotMatch(lines.join('\n'), /hidden/);
});

test('a KEK that can never work is refused in one line', async () => {
  const open = join(folder, 'open');
  await createLocalKeyFile(open);
  await chmod(open, 0o644);
  const short = join(folder, 'short');
  await writeFile(short, 'too short', { mode: 0o600 });
  for (const [uri, says] of [
    [`local:${join(folder, 'none')}`, /not there/],
    [`local:${open}`, /chmod 600/],
    [`local:${short}`, /32 bytes/],
    ['azure-kv:key', /no provider for azure-kv/],
  ] as const) {
    const lines = await refusal({ ...good, KEK_URI: uri });
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', says);
    assert.match(lines[0] ?? '', /KEK_URI/);
  }
});

test('a database without the migrations is refused in one line that says what to run', async () => {
  const admin = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, 'bare');
  const url = await createDatabase(admin, name);
  try {
    const lines = await refusal({ ...good, DATABASE_URL: url });
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /npm run migrate/);
  } finally {
    await dropDatabase(admin, name);
  }
});

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
    ...notNice,
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
  const worker = start({ ...good, ...notNice, REDIS_URL: url });
  t.after(async () => {
    await worker.stop();
  });
  await until(() => worker.logs().includes('"code":"READ_ONLY"'), { what: 'it says so', timeoutMs: 30_000 });
  const { url: health } = JSON.parse(await worker.ready);
  assert.equal((await fetch(`${health}/readyz`)).status, 503);
  await admin.call('REPLICAOF', 'NO', 'ONE');
  await until(async () => (await fetch(`${health}/readyz`)).status === 200, { what: 'it is ready' });
});

test('a worker is nicer than who started it, as far as it is told to be', async (t) => {
  const ours = getPriority();
  for (const [set, expected] of [
    [{}, Math.max(ours, 10)],
    [{ WORKER_NICENESS: '0' }, ours],
    [{ WORKER_NICENESS: '15' }, Math.max(ours, 15)],
  ] as const) {
    const worker = start({ ...good, ...set });
    t.after(() => worker.stop());
    await worker.ready;
    const pid = await worker.pid;
    assert.equal(getPriority(pid), expected, JSON.stringify(set));
    if (process.platform === 'linux') {
      const threads = (await readdir(`/proc/${pid}/task`)).map(Number);
      assert.ok(threads.length > 1);
      assert.deepEqual(new Set(threads.map((thread) => getPriority(thread))), new Set([expected]));
      const session = await readFile(`/proc/${pid}/autogroup`, 'utf8').catch(() => null);
      const sessions = expected === ours ? 0 : expected;
      if (session !== null) assert.match(session, new RegExp(` nice ${sessions}$`, 'm'));
    }
    await worker.stop();
  }
});

test('livez and readyz of a worker: 200 each; unready, by name, when Redis or Postgres is gone', async (t) => {
  const own = await startRedis();
  t.after(() => own.stop());
  const mine = await createTestDatabase(t);
  const worker = start({ ...good, DATABASE_URL: mine.url, REDIS_URL: own.url });
  t.after(async () => {
    await worker.stop();
  });
  const { url } = JSON.parse(await worker.ready);
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(`${url}${path}`);
    const { connections, ...body } = (await answer.json()) as { connections?: { max: number; open: number } };
    if (path === '/readyz') {
      assert.equal(connections?.max, 12);
      assert.ok(connections.open <= 12);
    }
    return [answer.status, body];
  };
  const checks = (postgres: boolean, redisIs: boolean) => ({
    status: postgres && redisIs ? 'ready' : 'unready',
    checks: { postgres, redis: redisIs, schema: true, kek: true },
    cipher: cipherHere().kind,
  });
  assert.deepEqual(await ask('/livez'), [200, { status: 'ok' }]);
  await until(async () => (await ask('/readyz'))[0] === 200, { what: 'it is ready', timeoutMs: 20_000 });
  assert.deepEqual(await ask('/readyz'), [200, checks(true, true)]);
  assert.equal((await fetch(`${url}/readyz`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${url}/metrics`)).status, 404);
  await own.stop();
  await until(async () => (await ask('/readyz'))[0] === 503, { what: 'it is unready' });
  assert.deepEqual(await ask('/readyz'), [503, checks(true, false)]);
  assert.deepEqual(await ask('/livez'), [200, { status: 'ok' }]);
  await mine.drop();
  assert.deepEqual(await ask('/readyz'), [503, checks(false, false)]);
  assert.deepEqual(await ask('/livez'), [200, { status: 'ok' }]);
});
