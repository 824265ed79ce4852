/** `rewrapEveryDays` where the KMS makes new versions of a key: of the KEK of the installation, and of tenants' own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { renewalRound } from '@rekey/control';
import { openKek } from '@rekey/kms';
import { allowTenantKeks, createVault } from '@rekey/vault';
import { pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { fakeTransit } from '../harness/fake-transit.ts';
import { installation } from '../harness/installation.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

test('a wrapping that is too old is made anew under the newest version of its KEK, also of a KEK of a template', async () => {
  const database = await createTestDatabase();
  const pool = database.pool();
  const transit = await fakeTransit();
  const token = 'hvs.of-a-test';
  process.env.VAULT_TOKEN = token;
  transit.tokens.set(token, { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 });
  const templates = `customers=hcvault:${transit.server}/transit/keys/*`;
  const rekey = await installation({
    databaseUrl: database.url,
    workerEnv: {
      TENANT_KEKS: templates,
      TENANT_KEK_ADDRESSES: 'any',
      KEK_URI: transit.uri(),
      VAULT_TOKEN: token,
    },
  });
  await rekey.vault.close();
  const kek = await openKek(transit.uri());
  const vault = createVault({ store: rekey.store, kek: allowTenantKeks(kek, templates, 'any') });
  test.after(() => vault.close());
  const shares = await seedTenant(vault, 4);
  const brings = await seedTenant(vault, 4);
  const key = { versions: [randomBytes(32)], minDecryption: 1 };
  transit.keys.set('transit/own', key);
  const call = (method: string, body?: object) =>
    fetch(`${rekey.apis[0]?.url}/api/v1/admin/tenants/${brings.tenantId}/kek`, {
      method,
      headers: { authorization: `Bearer ${rekey.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  // Refused until the worker and this vault have said that they have the template.
  await until(async () => (await call('PUT', { kek: 'customers', key: 'own' })).status === 202, {
    what: 'the choice is taken',
  });
  await until(
    async () => ((await (await call('GET')).json()) as { data: { status: string } }).data.status === 'active',
    { what: 'the choice is active' },
  );
  const { rotationId } = (await rekey.rotate(brings.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');

  const wraps = async ({ tenantId }: SeededTenant): Promise<string[]> =>
    (
      await pool.query<{ wrap: string }>(
        `select concat_ws(' ', d.key_number, m.kek_id, rekey.kek_version_of(m.kek_uri, m.wrapped)) as wrap
         from rekey.deks d join rekey.dek_material m on m.dek_id = d.id where d.tenant_id = $1 order by d.key_number`,
        [tenantId],
      )
    ).rows.map(({ wrap }) => wrap);
  assert.deepEqual(await wraps(shares), ['1 hcvault:transit/rekey 1']);
  assert.deepEqual(await wraps(brings), ['1 hcvault:transit/rekey 1', '2 hcvault:transit/own 1']);

  for (const versions of [key.versions, transit.keys.get('transit/rekey')?.versions])
    versions?.push(randomBytes(32));
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy) values (null, 1, '{"rewrapEveryDays": 30}')`,
  );
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update rekey.dek_material set wrapped_at = clock_timestamp() - interval '31 days'`),
  );
  // As a worker does every ten seconds.
  const begun = (await renewalRound(rekey.store))?.begun.map(({ tenantId }) => tenantId) ?? [];
  const both = [shares.tenantId, brings.tenantId].sort();
  if (begun.length > 0) assert.deepEqual(begun.sort(), both);
  await until(
    async () => (await pool.query(`select from rekey.rewraps where status = 'completed'`)).rowCount === 2,
    { what: 'both are rewrapped', timeoutMs: 60_000 },
  );
  assert.deepEqual(await wraps(shares), ['1 hcvault:transit/rekey 2']);
  // All that a tenant has comes under the KEK that it has brought.
  assert.deepEqual(await wraps(brings), ['1 hcvault:transit/own 2', '2 hcvault:transit/own 2']);
  // The KMS may let go of what was before.
  key.minDecryption = 2;
  const fresh = createVault({
    store: rekey.store,
    kek: allowTenantKeks(kek, templates, 'any'),
    prefetch: false,
  });
  test.after(() => fresh.close());
  for (const { tenantId, records } of [shares, brings])
    for (const { target, id } of records)
      assert.deepEqual(await fresh.get({ target, tenantId, id }), firstValue(id));
});
