/** Tenants' own KEKs, with the real API and worker: chosen, tried, used, taken away and given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowTenantKeks } from '@rekey/vault';
import { saying } from '../harness/fake-transit.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';
import {
  isActive,
  kekOf,
  kekOfActive,
  newKey,
  newVault,
  opensAll,
  rekey,
  rotate,
  settled,
  store,
  templates,
  transit,
  vault,
  withOwnKek,
} from './own-keks.ts';

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
