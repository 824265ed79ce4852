import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { until } from '../harness/wait.ts';
import { startProgram } from './program.ts';

const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
const redisUrl = testEnvironment('TEST_REDIS_URL');
const given = { DATABASE_URL: adminUrl, REDIS_URL: redisUrl };

const admin = new Pool({ connectionString: adminUrl, max: 1 });
test.after(() => admin.end());

async function scratchDatabases(): Promise<string[]> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where starts_with(datname, 'rekey_demo_')`,
  );
  return rows.map(({ datname }) => datname);
}

async function scratchKeys(): Promise<string[]> {
  const redis = new Redis(redisUrl);
  try {
    return await redis.keys('{rekey-demo-*');
  } finally {
    redis.disconnect();
  }
}

async function nothingIsLeft(): Promise<void> {
  assert.deepEqual(await scratchDatabases(), []);
  assert.deepEqual(await scratchKeys(), []);
}

test('the demo rotates 85 records under a working application, proves it, and leaves nothing behind', async (t) => {
  const demo = await startProgram('demo', given, t);
  const { code } = await demo.exited;
  const text = demo.logs();
  assert.equal(code, 0, text);
  assert.ok(!text.includes('\x1b'), 'no terminal, no escape sequences');
  assert.match(text, /✔ Postgres and Redis +DATABASE_URL, REDIS_URL/);
  assert.match(text, /✔ 85 records +25 credentials, 10 API keys, 50 secrets/);
  assert.match(text, /✔ 1 API and 2 workers/);
  assert.match(text, /POST \/api\/v1\/admin\/dek\/rotate {3}200 {3}rot-[0-9a-f-]{36}/);
  assert.match(text, /application, before: [1-9][0-9,]* reads, [1-9][0-9,]* writes, 0 errors/);
  assert.match(text, /application, after: [1-9][0-9,]* reads, [1-9][0-9,]* writes, 0 errors/);
  assert.match(text, /done +100 % +85 of 85 records/);
  assert.match(text, /✔ every record opens +85 of 85/);
  assert.match(text, /✔ none on an older key +0 credentials, 0 API keys, 0 secrets/);
  assert.match(text, /✔ none lost or added +25 credentials, 10 API keys, 50 secrets/);
  assert.match(text, /✔ no operation failed +0 errors/);
  assert.match(text, /✔ rotation completed +85 of 85 records/);
  assert.match(text, /old key +dek-[0-9a-f-]{36}\n.*new key +dek-[0-9a-f-]{36}/);
  assert.doesNotMatch(text, /✘/);
  assert.deepEqual(await demo.leftovers(), []);
  await nothingIsLeft();
});

test('DEMO_RECORDS seeds as many, and a Ctrl-C in the middle leaves nothing behind', async (t) => {
  const demo = await startProgram('demo', { ...given, DEMO_RECORDS: '3400' }, t);
  await until(() => demo.logs().includes('application, before'), { what: 'the call', timeoutMs: 60_000 });
  assert.match(demo.logs(), /✔ 3,400 records +1,000 credentials, 400 API keys, 2,000 secrets/);
  demo.kill('SIGINT');
  const { code } = await demo.exited;
  assert.equal(code, 130, demo.logs());
  assert.deepEqual(await demo.leftovers(), []);
  await nothingIsLeft();
});

const refusals: ReadonlyArray<{ what: string; env: Record<string, string>; says: RegExp }> = [
  {
    what: 'a DEMO_RECORDS that is no number',
    env: { DEMO_RECORDS: 'many' },
    says: /^DEMO_RECORDS is malformed: it must be a number of records from 1 to \d+$/m,
  },
  {
    what: 'a Postgres that does not answer',
    env: { ...given, DATABASE_URL: 'postgres://u:hidden@127.0.0.1:1/x' },
    says: /^DATABASE_URL: 127\.0\.0\.1:1 does not answer\.$/m,
  },
  {
    what: 'a Redis that does not answer',
    env: { ...given, REDIS_URL: 'redis://:hidden@127.0.0.1:1' },
    says: /^REDIS_URL: 127\.0\.0\.1:1 does not answer \(ECONNREFUSED\)\.$/m,
  },
];
for (const { what, env, says } of refusals) {
  test(`${what} is one clear sentence and exit code 1`, async (t) => {
    const demo = await startProgram('demo', env, t);
    const { code } = await demo.exited;
    assert.equal(code, 1);
    assert.match(demo.logs(), says);
    assert.doesNotMatch(demo.logs(), /hidden|\n {4}at /);
    assert.deepEqual(await demo.leftovers(), []);
  });
}

test('a role that may not create databases is told so', async (t) => {
  const role = `rekey_test_${randomBytes(4).toString('hex')}`;
  await admin.query(`create role ${role} login password 'hidden'`);
  t.after(() => admin.query(`drop role ${role}`));
  const url = new URL(adminUrl);
  url.username = role;
  url.password = 'hidden';
  const demo = await startProgram('demo', { ...given, DATABASE_URL: url.href }, t);
  const { code } = await demo.exited;
  assert.equal(code, 1);
  assert.match(demo.logs(), /DATABASE_URL: .*: its role may not create databases, .*\.$/m);
  await nothingIsLeft();
});
