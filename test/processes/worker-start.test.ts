import assert from 'node:assert/strict';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLocalKeyFile } from '@rekey/kms';
import { createDatabase, dropDatabase, startRedis } from '@rekey/stack';
import { cipherHere } from '../harness/ciphers.ts';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';
import { until } from '../harness/wait.ts';
import { folder, good, refusal, start } from './starting-worker.ts';

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
    ['pkcs11-x:key', /must begin with one of .*pkcs11/],
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
