import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { type RunningProcess, startProcess } from '@rekey/stack';
import { thisFile } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { testRedis } from '../harness/redis.ts';

export const database = await createTestDatabase();
export const redis = testRedis();
export const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
thisFile.after(() => rm(folder, { recursive: true, force: true }));
export const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);

export const shared = { DATABASE_URL: database.url, REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };
export const apps = {
  api: {
    main: 'apps/api',
    env: { ...shared, JWT_SECRET: randomBytes(48).toString('base64'), PORT: '0' },
    ready: '"listening"',
  },
  worker: {
    main: 'apps/worker',
    env: { ...shared, KEK_URI: `local:${kekFile}`, WORKER_NICENESS: '0' },
    ready: '"worker ready"',
  },
} as const;
export type App = keyof typeof apps;
export const names: readonly App[] = ['api', 'worker'];
export const mainOf = (folder: string, name = 'main'): string =>
  fileURLToPath(new URL(`../../${folder}/src/${name}.ts`, import.meta.url));

/** With the flags of nobody: what is tried here holds without them, too. */
export function start(
  app: App,
  env: Record<string, string> = {},
  flags: readonly string[] = [],
): RunningProcess {
  const { main, env: good, ready } = apps[app];
  return startProcess({
    name: app,
    entry: mainOf(main),
    env: { ...good, ...env },
    flags,
    readyLine: ready,
    readyWithinMs: 60_000,
  });
}

/** All it says when it ends by itself with status 1. */
export async function lastWords(process: RunningProcess): Promise<string[]> {
  const { code } = await process.exited;
  assert.equal(code, 1, process.logs());
  assert.doesNotMatch(process.logs(), /^\s+at /m, 'no trace');
  return process.logs().trim().split('\n');
}
