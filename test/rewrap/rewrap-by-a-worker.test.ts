import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { findRewrap, registerKek, startRewrap } from '@rekey/control';
import { createKeks, nameKeks } from '@rekey/kms';
import { testKek } from '../harness/kek.ts';
import { testRedis } from '../harness/redis.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const core = await rotationCore();
const { store, kek: old } = core;
const fresh = await testKek();
const keks = nameKeks(createKeks(old, fresh), new Map([['new', fresh]]));

test('a worker finds a rewrap by itself and ends it; a vault without the old KEK then reads all', async () => {
  const { tenantId, ids } = await core.tenantWith(2);
  for (const [name, kekId] of keks.named) assert.equal(await registerKek(store, name, kekId), 'registered');
  assert.equal(await registerKek(store, 'new', fresh.id), 'known');
  assert.equal(await registerKek(store, 'new', old.id), 'other_kek');
  assert.equal(await registerKek(store, 'newer', fresh.id), 'other_name');
  await workerHere({ databaseUrl: core.database.url, redis: testRedis() }, keks);
  const rewrapId = randomUUID();
  const started = await startRewrap(store, {
    rewrapId,
    tenantId: null,
    kekName: 'new',
    callsPerSecondMax: 1_000,
    force: true,
    reason: 'nobody else is here',
    actor: { id: 'ada', name: null, email: null },
    idempotency: null,
  });
  assert.equal(started.kind, 'started');
  const done = await until(
    async () => {
      const view = await findRewrap(store, rewrapId);
      return view?.completedAt === null ? undefined : view;
    },
    { what: 'the worker ends the rewrap' },
  );
  assert.equal(done?.status, 'completed');
  assert.ok((done?.rewrapped ?? 0) >= 1);
  const vault = core.anotherVault({ kek: fresh });
  for (const id of ids)
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
});
