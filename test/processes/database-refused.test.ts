import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { createTestDatabase } from '../harness/database.ts';
import { skipWithoutPgbouncer, startPgbouncer } from '../harness/pgbouncer.ts';
import { postgresWithDoors } from '../harness/postgres-with-doors.ts';
import { testRedis } from '../harness/redis.ts';

const database = await createTestDatabase();
const redis = testRedis();
const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
after(() => rm(folder, { recursive: true, force: true }));
await createLocalKeyFile(join(folder, 'kek'));

const programs = {
  migrate: { entry: 'packages/schema/src/migrate-main.ts', env: {} },
  worker: {
    entry: 'apps/worker/src/main.ts',
    env: {
      REDIS_URL: redis.url,
      QUEUE_PREFIX: redis.prefix,
      KEK_URI: `local:${join(folder, 'kek')}`,
      WORKER_NICENESS: '0',
    },
  },
  api: {
    entry: 'apps/api/src/main.ts',
    env: { REDIS_URL: redis.url, JWT_SECRET: 'x'.repeat(40), PORT: '0' },
  },
} as const;

/** What a program says that is to end by itself, and with which status. */
async function run(
  program: keyof typeof programs,
  databaseUrl: string,
): Promise<{ code: number; said: string }> {
  const { entry, env } = programs[program];
  const path = fileURLToPath(new URL(`../../${entry}`, import.meta.url));
  const child = spawn(process.execPath, [path], {
    env: { PATH: process.env.PATH, ...env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // It is to end by itself; on a machine that others load, starting alone has taken half a minute.
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code: Number(code ?? -1), said: said.trim() };
}

for (const [url, says] of [
  ['postgres://u:50%hidden@127.0.0.1/d', /%25/],
  ['postgres://u:hidden@127.0.0.1:99999/d', /port/],
  ['postgres://u:hidden@/d', /no host/],
  ['postgres://u:hidden@127.0.0.1/d?schema=public', /"schema"/],
  ['hidden', /neither/],
] as const) {
  test(`each program refuses ${url} in one line, with status 1`, async () => {
    const answers = (['migrate', 'worker', 'api'] as const).map((program) => ({
      program,
      answer: run(program, url),
    }));
    for (const { program, answer } of answers) {
      const { code, said } = await answer;
      assert.equal(code, 1, `${program}: ${said}`);
      assert.equal(said.split('\n').length, 1, said);
      assert.match(said, /DATABASE_URL/);
      assert.match(said, says);
      assert.doesNotMatch(said, /hidden/);
    }
  });
}

test('migrate: 75, to be tried again, for a server that is away; 1 for one that refuses', async () => {
  const away = await run('migrate', `postgres://u:hidden@127.0.0.1:${await freePort()}/d`);
  assert.equal(away.code, 75, away.said);
  assert.match(away.said, /nothing listens/);
  const wrong = new URL(database.url);
  wrong.password = 'hidden';
  for (const url of [wrong.href, `${database.url}?sslmode=require`]) {
    const refused = await run('migrate', url);
    assert.equal(refused.code, 1, refused.said);
    assert.equal(refused.said.split('\n').length, 1);
    assert.doesNotMatch(refused.said, /hidden/);
  }
});

test('a worker does not start where the certificate is not the one that was asked for', async () => {
  const tls = await postgresWithDoors('self-signed');
  const url = `postgres://postgres:${tls.password}@localhost:${tls.port}/postgres?sslmode=verify-full`;
  const { code, said } = await run('worker', url);
  assert.equal(code, 1, said);
  assert.equal(said.split('\n').length, 1, said);
  assert.match(said, /self-signed/);
});

test('a worker does not start behind a pooler in transaction mode', {
  skip: skipWithoutPgbouncer,
}, async () => {
  const { code, said } = await run('worker', await startPgbouncer(database.url, 'transaction'));
  assert.equal(code, 1, said);
  assert.equal(said.split('\n').length, 1, said);
  assert.match(said, /DATABASE_URL: .*pooler gives every transaction another session/);
});
