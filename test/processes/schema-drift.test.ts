import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLocalKeyFile } from '@rekey/kms';
import { createTestDatabase } from '../harness/database.ts';
import { startWorker } from '../harness/process.ts';
import { testRedis } from '../harness/redis.ts';
import { asRole } from '../harness/roles.ts';

const database = await createTestDatabase();
const pool = database.pool();
const redis = testRedis();
const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));
const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);

/** What a worker with a worker's rights says of the schema before it is ready. */
async function saidAtStart(): Promise<string[]> {
  const worker = await startWorker({
    DATABASE_URL: asRole(database.url, 'worker'),
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    KEK_URI: `local:${kekFile}`,
  });
  await worker.stop();
  const lines = worker
    .logs()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): { msg: string; level: string; reason?: string; items?: number } => JSON.parse(line));
  return lines
    .filter(({ msg }) => msg.startsWith('the schema'))
    .map(({ reason, items }) => reason ?? `${items} in all`);
}

test('a worker says nothing of a schema that is as it was installed', async () => {
  assert.deepEqual(await saidAtStart(), []);
});

test('it warns of what was changed by hand, a line each up to a limit, and starts', async () => {
  await pool.query('create index by_hand on rekey.deks (state)');
  const [line, ...others] = await saidAtStart();
  assert.match(line ?? '', /^not of this version: rekey\.deks: CREATE INDEX by_hand /);
  assert.deepEqual(others, []);

  for (let n = 0; n < 12; n += 1) await pool.query(`create index by_hand_${n} on rekey.deks (state)`);
  const many = await saidAtStart();
  assert.equal(many.length, 11);
  assert.equal(many.at(-1), '13 in all');
});

test('it does not warn of what another version of the program has made', async () => {
  await pool.query('update rekey.functions set revision = revision + 1');
  assert.deepEqual(await saidAtStart(), []);
});
