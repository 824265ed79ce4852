import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeks, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { installation } from '../harness/installation.ts';
import { firstValue } from '../harness/seed.ts';
import { skipWithoutSoftHsm, startSoftHsm } from '../harness/softhsm.ts';
import { until } from '../harness/wait.ts';

test('a tenant moves to a key in a token; a key that is gone is waited for', {
  skip: skipWithoutSoftHsm,
}, async (t) => {
  const hsm = await startSoftHsm(t);
  await hsm.newKey();
  const rekey = await installation({ workers: 0 }, t);
  const tenant = await rekey.seedTenant(34);
  const other = await rekey.seedTenant(17);
  const worker = await rekey.addWorker({
    ...hsm.env,
    KEK_URI: hsm.uri(),
    KEK_URIS_UNWRAP_ONLY: `local:${rekey.kekFile}`,
  });
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');

  Object.assign(process.env, hsm.env);
  const kek = await openKek(hsm.uri());
  const vault = createVault({ store: rekey.store, kek: createKeks(kek, rekey.kek), prefetch: false });
  t.after(() => vault.close());
  for (const { target, id } of tenant.records)
    assert.ok((await vault.get({ target, tenantId: tenant.tenantId, id }))?.equals(firstValue(id)));

  await hsm.deleteKey();
  const suspended = (await rekey.rotate(other.tenantId)).body.data.rotationId;
  await until(async () => (await rekey.status(suspended)).body.data.waitingFor === 'kek_suspended', {
    what: 'waitingFor kek_suspended',
    timeoutMs: 60_000,
  });
  await until(
    () => worker.logs().includes('PKCS #11, pkcs11:token=rekey;object=kek: the token has no such key'),
    {
      what: 'the worker says why',
      timeoutMs: 30_000,
    },
  );
  assert.equal((await rekey.cancel(suspended)).status, 200);
});
