import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeks, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { installation } from '../harness/installation.ts';
import { awsCredentials, skipWithoutMoto, startMoto } from '../harness/moto.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

test('a tenant moves to AWS KMS and an outage of it is waited for', { skip: skipWithoutMoto }, async (t) => {
  const moto = await startMoto(t);
  const uri = await moto.newKey();
  const rekey = await installation({ workers: 0 }, t);
  const tenant = await rekey.seedTenant(34);
  const worker = await rekey.addWorker({
    ...awsCredentials,
    KEK_URI: uri,
    KEK_URIS_UNWRAP_ONLY: `local:${rekey.kekFile}`,
  });
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');

  const aws = await openKek(uri);
  const vault = createVault({ store: rekey.store, kek: createKeks(aws, rekey.kek), prefetch: false });
  t.after(() => vault.close());
  for (const { target, id } of tenant.records)
    assert.ok((await vault.get({ target, tenantId: tenant.tenantId, id }))?.equals(firstValue(id)));
  const other = await seedTenant(vault, 17);

  await moto.stop();
  const waiting = (await rekey.rotate(other.tenantId)).body.data.rotationId;
  await until(async () => (await rekey.status(waiting)).body.data.waitingFor === 'kms', {
    what: 'it waits for the KMS',
    timeoutMs: 60_000,
  });
  const says = /"code":"UNAVAILABLE","message":"AWS KMS, arn:\S+: cannot be reached/;
  await until(() => says.test(worker.logs()), { what: 'it says so' });
  assert.ok(!worker.logs().includes(awsCredentials.AWS_SECRET_ACCESS_KEY));
  assert.equal((await rekey.cancel(waiting)).status, 200);
});
