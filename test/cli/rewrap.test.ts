import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLocalKeyFile } from '@rekey/kms';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { call } from './call.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-cli-rewrap-'));
after(() => rm(folder, { recursive: true }));
const next = join(folder, 'next.kek');
await createLocalKeyFile(next);
const rekey = await installation({ workerEnv: { KEKS: `next=local:${next}` } });
const env = { REKEY_URL: rekey.apis[0]?.url ?? '', REKEY_TOKEN: rekey.token };
const { tenantId } = await rekey.seedTenant(17);
const json = async (...words: string[]) => JSON.parse((await call(env, ...words, '--json')).out);

test('KEKs are listed once workers have proved them, and a plan says what a rewrap would do', async () => {
  await until(
    async () => {
      const { keks } = await json('keks');
      return keks.some((kek: { name: string; workers: number }) => kek.name === 'next' && kek.workers > 0);
    },
    { timeoutMs: 60_000, everyMs: 200, what: 'the worker proves the KEK' },
  );
  const planned = await call(env, 'rewrap', 'plan', '--tenant', tenantId, '--kek', 'next');
  assert.equal(planned.code, 0, planned.err);
  assert.match(planned.out, /^1 keys of .+ to bring under next \(local:/);
  assert.match(planned.out, /3 calls of KMSs, no record touched/);
});

test('a rewrap is started, watched to its end and told of; what it left is readable under the new KEK', async () => {
  // The application of this test was never given that KEK.
  const refused = await call(env, 'rewrap', 'start', '--tenant', tenantId, '--kek', 'next');
  assert.equal(refused.code, 3);
  assert.match(refused.err, /vault \S+ on \S+ has not proved this KEK/);
  const forced = ['--force', '--reason', 'That application ends.'];
  const watched = await call(
    env,
    'rewrap',
    'start',
    '--tenant',
    tenantId,
    '--kek',
    'next',
    '--watch',
    ...forced,
  );
  assert.equal(watched.code, 0, watched.err + watched.out);
  const [rewrapId = ''] = /rewrap-\S+/.exec(watched.out) ?? [];
  assert.match(watched.out, /completed: 1 of 1 keys/);
  assert.equal((await call(env, 'rewrap', 'wait', rewrapId)).code, 0);
  const listed = await call(env, 'rewrap', 'list', '--tenant', tenantId);
  assert.match(listed.out, new RegExp(`^${rewrapId}\t${tenantId}\tnext\tcompleted\t100 %\t1\t`, 'm'));
  assert.equal((await json('rewrap', 'list')).rewraps[0].rewrapId, rewrapId);
  assert.match((await call(env, 'keks')).out, /^next\tlocal:\S+\t\d/m);
  const told = await json('rewrap', 'status', rewrapId);
  assert.deepEqual([told.status, told.recordsReencrypted], ['completed', 0]);
  // The old KEK is not asked for what comes then: the new key's own worker opens and re-encrypts all of it.
  assert.equal((await call(env, 'rotate', '--tenant', tenantId, '--watch')).code, 0);
});

test('what touches all tenants is not done without a word, and the rest is refused with its code', async () => {
  const unasked = await call(env, 'rewrap', 'start', '--all', '--kek', 'next');
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  assert.match(unasked.err, /needs --yes/);
  assert.equal((await call(env, 'rewrap', 'start', '--kek', 'next')).code, 2);
  assert.equal((await call(env, 'rewrap', 'start', '--tenant', tenantId, '--all', '--kek', 'next')).code, 2);
  assert.equal(
    (await call(env, 'rewrap', 'start', '--tenant', tenantId, '--kek', 'next', '--force')).code,
    2,
  );
  assert.equal((await call(env, 'rewrap', 'plan', '--tenant', tenantId, '--kek', 'nobodys')).code, 4);
  assert.equal((await call(env, 'rewrap', 'pause', 'rewrap-00000000-0000-4000-8000-000000000000')).code, 4);
});
