import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { startProcess, workerFlags } from '@rekey/stack';
import { thisFile } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { forTests } from '../harness/process.ts';
import { testRedis } from '../harness/redis.ts';

export const database = await createTestDatabase();
export const redis = testRedis();
export const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
thisFile.after(() => rm(folder, { recursive: true, force: true }));
export const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);

export const good = {
  DATABASE_URL: database.url,
  REDIS_URL: redis.url,
  QUEUE_PREFIX: redis.prefix,
  KEK_URI: `local:${kekFile}`,
};

export function start(env: Record<string, string>) {
  const entry = fileURLToPath(new URL('../../apps/worker/src/main.ts', import.meta.url));
  return startProcess({ name: 'worker', entry, env, readyLine: '"msg":"worker ready"', flags: workerFlags });
}

/** The lines that a worker which refuses to start says; it has to end by itself, unsuccessfully and soon. */
export async function refusal(env: Record<string, string>): Promise<string[]> {
  const worker = start({ ...forTests, ...env });
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
