/** A tenant's KEK in each cloud: brought, used, taken away and given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusing } from '../harness/fake-aws-kms.ts';
import { saying as azureSaying } from '../harness/fake-azure-kv.ts';
import { seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';
import {
  aws,
  azure,
  choose,
  gcp,
  isActive,
  kekOfActive,
  newVault,
  opensAll,
  rekey,
  rotate,
  settled,
  vault,
} from './own-keks.ts';

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
    assert.equal((await choose(tenantId, { kek, ...words })).status, 202);
    const { inUse } = await settled(tenantId, isActive);
    assert.equal(inUse?.kekId, kekId);
    for (const how of ['from the KEK of the installation', 'from its own']) {
      assert.equal((await rekey.ended(await rotate(tenantId))).status, 'completed', how);
      assert.equal(await kekOfActive(tenantId), kekId, how);
    }
    await opensAll(tenant); // it has the DEK at hand
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
