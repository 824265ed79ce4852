/** Tenants' own KEKs, with the real API and worker: chosen, tried, used, taken away and given back. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { allowTenantKeks, createVault } from '@rekey/vault';
import { createTestDatabase } from '../harness/database.ts';
import { fakeAwsKms, refusing } from '../harness/fake-aws-kms.ts';
import { saying as azureSaying, fakeAzureKv, identityOf } from '../harness/fake-azure-kv.ts';
import { fakeGcpKms } from '../harness/fake-gcp-kms.ts';
import { fakeTransit, saying } from '../harness/fake-transit.ts';
import { installation } from '../harness/installation.ts';
import { awsCredentials } from '../harness/moto.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const transit = await fakeTransit();
const token = 'hvs.of-a-test';
const [aws, azure, gcp] = await Promise.all([fakeAwsKms(), fakeAzureKv(), fakeGcpKms()]);
const env = {
  ...awsCredentials,
  ...identityOf(azure),
  GOOGLE_APPLICATION_CREDENTIALS: await gcp.accounts.serviceAccountFile(),
  VAULT_TOKEN: token,
};
Object.assign(process.env, env);
transit.tokens.set(token, { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 });
const templates = [
  `customers=hcvault:${transit.server}/transit/keys/*`,
  `aws=${aws.uri.replace('eu-central-1', '*').replace(/key\/[^?]+/, 'key/*')}`,
  `azure=azure-kv:${azure.origin}/keys/tenant-*`,
  `gcp=gcp-kms:projects/a-project/locations/*/keyRings/*/cryptoKeys/*?endpoint=${gcp.endpoint}`,
].join();
const rekey = await installation({
  databaseUrl: database.url,
  workerEnv: { TENANT_KEKS: templates, TENANT_KEK_ADDRESSES: 'any', ...env },
});
const { store } = rekey;
const newVault = (keks = allowTenantKeks(rekey.kek, templates, 'any')) => createVault({ store, kek: keks });
const vault = newVault();
// It has no templates, and would say so.
await rekey.vault.close();
test.after(() => vault.close());

interface Told {
  readonly status: number;
  readonly data: {
    readonly status: string;
    readonly trouble: string | null;
    readonly inUse: { readonly kekId: string } | null;
  };
  readonly code: string | undefined;
  readonly issues: ReadonlyArray<{ readonly message: string }>;
}
async function kekOf(tenantId: string, body?: object, claims?: object): Promise<Told> {
  const bearer =
    claims === undefined
      ? rekey.token
      : signHs256(rekey.jwtSecret, { sub: 'eve', exp: Math.floor(Date.now() / 1_000) + 600, ...claims });
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/tenants/${tenantId}/kek`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as { data: Told['data']; error?: { code: string; issues?: [] } };
  return { status: answer.status, data: json.data, code: json.error?.code, issues: json.error?.issues ?? [] };
}
const settled = (tenantId: string, is: (data: Told['data']) => boolean): Promise<Told['data']> =>
  until(
    async () => {
      const { data } = await kekOf(tenantId);
      return is(data) ? data : undefined;
    },
    { what: 'the choice was tried', timeoutMs: 20_000 },
  );
const isActive = ({ status }: Told['data']): boolean => status === 'active';
const newKey = (name: string): unknown =>
  transit.keys.set(`transit/${name}`, { versions: [randomBytes(32)], minDecryption: 1 });
const kekOfActive = async (tenantId: string): Promise<string> =>
  (
    await store.query<{ kek_id: string }>(
      `select m.kek_id from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
       where d.tenant_id = $1 and d.state = 'active'`,
      [tenantId],
    )
  ).rows[0]?.kek_id ?? '';
const rotate = async (tenantId: string): Promise<string> =>
  (await rekey.rotate(tenantId)).body.data.rotationId;
const opensAll = async ({ tenantId, records }: SeededTenant, by = vault): Promise<void> => {
  for (const { target, id } of records)
    assert.deepEqual(await by.get({ target, tenantId, id }), firstValue(id));
};
/** A tenant whose active DEK is under a KEK of its own. */
async function withOwnKek(name: string): Promise<SeededTenant> {
  newKey(name);
  const tenant = await seedTenant(vault, 17);
  assert.equal((await kekOf(tenant.tenantId, { kek: 'customers', key: name })).status, 202);
  await settled(tenant.tenantId, isActive);
  assert.equal((await rekey.ended(await rotate(tenant.tenantId))).status, 'completed');
  assert.equal(await kekOfActive(tenant.tenantId), `hcvault:transit/${name}`);
  return tenant;
}

test('a choice is refused while a live process has no such template; then pending, active, and used for the next DEK', async () => {
  newKey('alpha');
  const stranger = newVault(
    allowTenantKeks(rekey.kek, `others=hcvault:${transit.server}/transit/keys/*`, 'any'),
  );
  const { tenantId } = await seedTenant(stranger, 1);
  const tenant = await seedTenant(vault, 17);
  const choice = { kek: 'customers', key: 'alpha' };
  const refused = await until(
    async () => {
      const told = await kekOf(tenantId, choice);
      return told.issues.length === 1 ? told : undefined;
    },
    { what: 'all others have told what they have', timeoutMs: 20_000 },
  );
  assert.deepEqual([refused.status, refused.code], [409, 'KEK_REFUSED']);
  assert.match(refused.issues[0]?.message ?? '', /^vault /);
  await stranger.close();

  const own = rekey.kek.id;
  const chosen = await kekOf(tenant.tenantId, choice);
  assert.deepEqual([chosen.status, chosen.data.status, chosen.data.inUse], [202, 'pending', null]);
  const { inUse } = await settled(tenant.tenantId, isActive);
  assert.equal(inUse?.kekId, 'hcvault:transit/alpha');
  assert.equal(await kekOfActive(tenant.tenantId), own, 'what is there stays where it is');
  assert.equal((await rekey.ended(await rotate(tenant.tenantId))).status, 'completed');
  assert.equal(await kekOfActive(tenant.tenantId), 'hcvault:transit/alpha');
  await opensAll(tenant);
  const fresh = newVault();
  await opensAll(tenant, fresh);
  await fresh.close();
  const { rows } = await store.query<{ kind: string }>(
    `select kind from rekey.events where chain = $1 and kind like 'kek.%' order by sequence`,
    [tenant.tenantId],
  );
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    ['kek.chosen', 'kek.activated'],
  );

  // Back to that of the installation: at once, for the DEK after this one.
  assert.equal((await kekOf(tenant.tenantId, { kek: null })).data.status, 'active');
  assert.equal((await rekey.ended(await rotate(tenant.tenantId))).status, 'completed');
  assert.equal(await kekOfActive(tenant.tenantId), own);
  await opensAll(tenant);
});

test("no tenant gets another's KEK, nor one that the configuration names, nor sees what another chose", async () => {
  await withOwnKek('beta');
  const thief = await seedTenant(vault, 1);
  const admin = { roles: ['security_admin'], tenantId: thief.tenantId };
  const body = { kek: 'customers', key: 'beta' };
  assert.equal((await kekOf(thief.tenantId, body, admin)).status, 202);
  const { trouble, inUse } = await settled(thief.tenantId, ({ status }) => status === 'refused');
  assert.deepEqual([trouble, inUse], ['KEK_TAKEN', null]);
  const victim = await seedTenant(vault, 1);
  for (const told of [
    await kekOf(victim.tenantId, body, admin),
    await kekOf(victim.tenantId, undefined, admin),
  ])
    assert.deepEqual([told.status, told.code], [404, 'TENANT_NOT_FOUND']);
  const operator = { roles: ['security_operator'], tenantId: thief.tenantId };
  assert.equal((await kekOf(thief.tenantId, body, operator)).status, 403);
  for (const [choice, code] of [
    [{ kek: 'nobody', key: 'a' }, 'KEK_NOT_FOUND'],
    [{ kek: 'customers' }, 'INVALID_REQUEST'],
    [{ kek: 'customers', key: 'a', region: 'eu-central-1' }, 'INVALID_REQUEST'],
    [{ kek: 'customers', key: '../beta' }, 'INVALID_REQUEST'],
    [{ kek: 'customers', key: 'a?namespace=b' }, 'INVALID_REQUEST'],
    [{ kek: `hcvault:${transit.server}/transit/keys/beta` }, 'INVALID_REQUEST'],
    [{ kek: 'customers', key: 'a', endpoint: transit.server }, 'INVALID_REQUEST'],
  ] as const)
    assert.equal((await kekOf(thief.tenantId, choice, admin)).code, code, JSON.stringify(choice));
});

test('a choice that the KMS refuses waits, and is tried at once when it is made again', async () => {
  const tenant = await seedTenant(vault, 1);
  const body = { kek: 'customers', key: 'gamma' };
  await kekOf(tenant.tenantId, body);
  const waits = await settled(tenant.tenantId, ({ trouble }) => trouble !== null);
  assert.deepEqual([waits.status, waits.trouble, waits.inUse], ['pending', 'NOT_FOUND', null]);
  assert.equal(
    (await rekey.ended(await rotate(tenant.tenantId))).status,
    'completed',
    'under the one of before',
  );
  newKey('gamma');
  await kekOf(tenant.tenantId, body);
  assert.equal((await settled(tenant.tenantId, isActive)).trouble, null);
});

/** What becomes of a tenant's KEK, and what its rotations wait for then. */
const troubles = {
  'is denied': {
    waitingFor: 'kek_suspended',
    harm: () => (transit.answer = saying(403, 'permission denied')),
  },
  'is deleted': { waitingFor: 'kek_suspended', harm: () => transit.keys.delete('transit/delta') },
  'is away': { waitingFor: 'kms', harm: () => (transit.answer = saying(503, 'Vault is sealed')) },
} as const;

test("each trouble of a tenant's KEK holds up that tenant alone, and ends when the KEK is back", async (t) => {
  const tenant = await withOwnKek('delta');
  const other = await seedTenant(vault, 17);
  const saved = transit.keys.get('transit/delta');
  assert.ok(saved);
  for (const [what, { waitingFor, harm }] of Object.entries(troubles)) {
    await opensAll(tenant);
    harm();
    const fresh = newVault();
    const [record] = tenant.records;
    assert.ok(record);
    const { tenantId } = tenant;
    const refusal = { code: waitingFor === 'kms' ? 'UNAVAILABLE' : 'KEK_SUSPENDED' };
    await assert.rejects(fresh.get({ ...record, tenantId }), refusal, `${what}: who has no DEK at hand`);
    await assert.rejects(
      fresh.put({ ...record, tenantId, value: Buffer.from('x') }),
      refusal,
      `${what}: a writer without it`,
    );
    await opensAll(tenant);
    await vault.put({ ...record, tenantId, value: firstValue(record.id) });
    const rotationId = await rotate(tenantId);
    await until(async () => (await rekey.status(rotationId)).body.data.waitingFor === waitingFor, {
      what: `${what}: the rotation waits for ${waitingFor}`,
      timeoutMs: 30_000,
    });
    assert.equal(
      (await rekey.ended(await rotate(other.tenantId))).status,
      'completed',
      `${what}: others go on`,
    );
    await opensAll(other, fresh);

    transit.answer = null;
    transit.keys.set('transit/delta', saved);
    await until(
      () =>
        opensAll(tenant, fresh).then(
          () => true,
          () => undefined,
        ),
      { what: `${what}: it is back` },
    );
    await fresh.close();
    // One that is suspended is looked at again after 30 s; a cancel and a new call hasten it.
    if (waitingFor === 'kek_suspended') {
      assert.equal((await rekey.cancel(rotationId)).status, 200);
      assert.equal((await rekey.ended(await rotate(tenantId))).status, 'completed', what);
    } else assert.equal((await rekey.ended(rotationId)).status, 'completed', what);
    t.diagnostic(`${what}: ${waitingFor}`);
  }
});

const clouds = {
  aws: {
    words: { region: 'eu-central-1', key: aws.arn.replace(/.*\//, '') },
    kekId: `aws-kms:${aws.arn}`,
    make: () => {},
    deny: () => (aws.answer = refusing('AccessDeniedException')),
    allow: () => (aws.answer = null),
  },
  azure: {
    words: { key: 'zeta' },
    kekId: 'azure-kv:127.0.0.1/keys/tenant-zeta',
    make: () => azure.keys.set('tenant-zeta', azure.keys.get('rekey') ?? []),
    deny: () => (azure.answer = azureSaying(403, 'Forbidden', 'ForbiddenByRbac')),
    allow: () => (azure.answer = null),
  },
  gcp: {
    words: { location: 'europe-west3', ring: 'ring', key: 'rekey' },
    kekId: `gcp-kms:${gcp.name}`,
    make: () => {},
    deny: () => (gcp.accounts.mayUse = false),
    allow: () => (gcp.accounts.mayUse = true),
  },
} as const;

for (const [kek, { words, kekId, make, deny, allow }] of Object.entries(clouds))
  test(`a tenant brings its key in ${kek} and rotates under it; who takes the right away takes that tenant's values`, async () => {
    make();
    const tenant = await seedTenant(vault, 17);
    const { tenantId } = tenant;
    assert.equal((await kekOf(tenantId, { kek, ...words })).status, 202);
    const { inUse } = await settled(tenantId, isActive);
    assert.equal(inUse?.kekId, kekId);
    for (const how of ['from the KEK of the installation', 'from its own']) {
      assert.equal((await rekey.ended(await rotate(tenantId))).status, 'completed', how);
      assert.equal(await kekOfActive(tenantId), kekId, how);
    }
    deny();
    const fresh = newVault();
    const [record] = tenant.records;
    assert.ok(record);
    await assert.rejects(fresh.get({ ...record, tenantId }), { code: 'KEK_SUSPENDED' });
    await opensAll(tenant);
    allow();
    await until(() => fresh.get({ ...record, tenantId }).catch(() => undefined), {
      what: 'it is given back',
    });
    await opensAll(tenant, fresh);
    await fresh.close();
  });

test("a worker whose configuration lacks the template leaves that tenant's rotations to others, and does all else", async () => {
  const tenant = await withOwnKek('epsilon');
  const other = await seedTenant(vault, 17);
  for (const worker of rekey.workers) await worker.stop();
  await rekey.addWorker({ TENANT_KEKS: templates.slice(templates.indexOf(',') + 1) });
  const rotationId = await rotate(tenant.tenantId);
  await until(async () => (await rekey.status(rotationId)).body.data.waitingFor === 'kms', {
    what: 'the rotation waits for a worker that has the template',
    timeoutMs: 30_000,
  });
  assert.equal((await rekey.ended(await rotate(other.tenantId))).status, 'completed');
  await rekey.addWorker();
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 60_000 })).status, 'completed');
  await opensAll(tenant);
});
