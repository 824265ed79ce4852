import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeks, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { fakeTransit, saying } from '../harness/fake-transit.ts';
import { installation } from '../harness/installation.ts';
import { firstValue } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';
import { keyFile } from '../kms/key-files.ts';

test('a tenant moves to Transit; a sealed server is waited for, a policy that forbids the key says so', async (t) => {
  const fake = await fakeTransit(t);
  const token = 'hvs.token-of-a-worker';
  fake.tokens.set(token, { endsAt: Date.now() + 3_600_000, mayUse: true, renewals: 0 });
  const rekey = await installation({ workers: 0 }, t);
  const tenant = await rekey.seedTenant(34);
  const other = await rekey.seedTenant(17);
  const worker = await rekey.addWorker({
    VAULT_TOKEN: token,
    KEK_URI: fake.uri(),
    KEK_URIS_UNWRAP_ONLY: `local:${rekey.kekFile}`,
  });
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');

  const kek = await openKek(fake.uri({ token_file: await keyFile(token) }));
  const vault = createVault({ store: rekey.store, kek: createKeks(kek, rekey.kek), prefetch: false });
  t.after(() => vault.close());
  for (const { target, id } of tenant.records)
    assert.ok((await vault.get({ target, tenantId: tenant.tenantId, id }))?.equals(firstValue(id)));

  const waitsFor = (waiting: string, what: string): Promise<unknown> =>
    until(async () => (await rekey.status(waiting)).body.data.waitingFor === what, {
      what: `waitingFor ${what}`,
      timeoutMs: 60_000,
    });
  fake.answer = saying(503, 'Vault is sealed');
  const sealed = (await rekey.rotate(other.tenantId)).body.data.rotationId;
  await waitsFor(sealed, 'kms');
  fake.answer = null;
  assert.equal((await rekey.ended(sealed)).status, 'completed');

  fake.answer = saying(403, 'permission denied');
  const third = await rekey.seedTenant(17);
  const denied = (await rekey.rotate(third.tenantId)).body.data.rotationId;
  await waitsFor(denied, 'kek_suspended');
  const says = /"code":"DENIED","message":"Vault Transit, hcvault:transit\/rekey: permission denied/;
  await until(() => says.test(worker.logs()), { what: 'it says so' });
  assert.ok(!/hvs\.|hunter2|vault:v1:/.test(worker.logs()));
  assert.equal((await rekey.cancel(denied)).status, 200);
});
