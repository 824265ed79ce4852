import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeks, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { fakeGcpKms, saying } from '../harness/fake-gcp-kms.ts';
import { installation } from '../harness/installation.ts';
import { firstValue } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

test('a tenant moves to Cloud KMS; a quota is waited out, a disabled version says so', async (t) => {
  const fake = await fakeGcpKms(t);
  const credentials = { GOOGLE_APPLICATION_CREDENTIALS: await fake.accounts.serviceAccountFile() };
  const rekey = await installation({ workers: 0 }, t);
  const tenant = await rekey.seedTenant(34);
  const other = await rekey.seedTenant(17);
  const worker = await rekey.addWorker({
    ...credentials,
    KEK_URI: fake.uri(),
    KEK_URIS_UNWRAP_ONLY: `local:${rekey.kekFile}`,
  });
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');

  Object.assign(process.env, credentials);
  const kek = await openKek(fake.uri());
  const vault = createVault({ store: rekey.store, kek: createKeks(kek, rekey.kek), prefetch: false });
  t.after(() => vault.close());
  for (const { target, id } of tenant.records)
    assert.ok((await vault.get({ target, tenantId: tenant.tenantId, id }))?.equals(firstValue(id)));

  const waitsFor = (waiting: string, what: string): Promise<unknown> =>
    until(async () => (await rekey.status(waiting)).body.data.waitingFor === what, {
      what: `waitingFor ${what}`,
      timeoutMs: 60_000,
    });
  fake.answer = saying(429, 'RESOURCE_EXHAUSTED');
  const throttled = (await rekey.rotate(other.tenantId)).body.data.rotationId;
  await waitsFor(throttled, 'kms');
  fake.answer = null;
  assert.equal((await rekey.ended(throttled)).status, 'completed');

  const [version] = fake.keys.get(fake.name) ?? [];
  assert.ok(version);
  version.state = 'DISABLED';
  const third = await rekey.seedTenant(17);
  const denied = (await rekey.rotate(third.tenantId)).body.data.rotationId;
  await waitsFor(denied, 'kek_suspended');
  const says =
    /"code":"DENIED","message":"Cloud KMS, projects\/[\w/-]+: FAILED_PRECONDITION \(the version of the key is DISABLED\)/;
  await until(() => says.test(worker.logs()), { what: 'it says so' });
  assert.ok(!/hunter2|Bearer|eyJ|PRIVATE KEY/.test(worker.logs()));
  assert.equal((await rekey.cancel(denied)).status, 200);
});
