import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, TenantResponse } from '@rekey/contract';
import { registerKek } from '@rekey/control';
import { pastTheTriggers } from '../harness/damage.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const everybody = bearer({ roles: ['super_admin'] });

const ask = (tenantId: string, headers: Record<string, string> = everybody): Promise<Answer> =>
  api.send({ path: `/api/v1/admin/tenants/${tenantId}`, headers });
async function dataOf(tenantId: string): Promise<TenantResponse['data']> {
  const answer = await ask(tenantId);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(TenantResponse, answer.json), answer.text);
  return answer.json.data;
}
const putPolicy = (tenantId: string | null, version: number, policy: object) =>
  pool.query('insert into rekey.policies (tenant_id, version, policy) values ($1, $2, $3)', [
    tenantId,
    version,
    JSON.stringify(policy),
  ]);

test('one tenant is told whole: its key, KEK, records, policy, standing and rotation', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const plain = await dataOf(tenantId.toUpperCase());
  assert.equal(plain.tenantId, tenantId);
  assert.deepEqual([plain.standing, plain.rotation, plain.policy.version], [null, null, 0]);
  assert.ok(Object.values(plain.policy.source).every((source) => source === 'default'));
  assert.deepEqual(plain.coverage, { records: 85, underActiveKey: 85, share: 1 });
  assert.deepEqual(plain.keys, { pre_active: 0, active: 1, deactivated: 0, compromised: 0 });
  assert.equal(plain.activeKey?.kek?.name, null, 'no configuration names it');

  const kekId = plain.activeKey?.kek?.kekId ?? '';
  await registerKek(pool, 'named', kekId);
  await putPolicy(null, 1, { rotateBeforeSeals: 1_000, bounds: { rotateEveryDaysMax: 90 } });
  await putPolicy(tenantId, 1, { rotateEveryDays: 400, windows: null });
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update rekey.deks set activated_at = now() - interval '91 days' where id = $1`, [dekId]),
  );
  const { rotationId } = (await api.send(rotateCall(tenantId))).json.data;
  const told = await dataOf(tenantId);
  assert.deepEqual(
    [told.activeKey?.keyId, told.activeKey?.keyNumber, told.activeKey?.kek?.name],
    [`dek-${dekId}`, 1, 'named'],
  );
  assert.equal(Math.floor((told.activeKey?.ageSeconds ?? 0) / 86_400), 91);
  const { source, effective, version, defaultVersion } = told.policy;
  assert.deepEqual([version, defaultVersion, effective.rotateEveryDays], [1, 1, 90]);
  assert.deepEqual(
    [source.rotateEveryDays, source.windows, source.rotateBeforeSeals, source.kek],
    ['bounds', 'tenant', 'default', 'default'],
  );
  assert.equal(told.standing?.level, 'overdue');
  assert.deepEqual(told.rotation, { rotationId, status: 'in_progress', phase: 'queued' });
});

test('a tenant without a key has no standing, and what stands under an older key is not covered', async () => {
  const empty = await dataOf(await emptyTenant(api.database));
  assert.deepEqual([empty.activeKey, empty.standing, empty.rotation], [null, null, null]);
  assert.deepEqual(empty.coverage, { records: 0, underActiveKey: 0, share: 1 });
  const { tenantId } = await seededTenant(api.database);
  await pastTheTriggers(pool, (tx) =>
    tx.query('update rekey.deks set key_number = 2 where tenant_id = $1', [tenantId]),
  );
  assert.deepEqual((await dataOf(tenantId)).coverage, { records: 85, underActiveKey: 0, share: 0 });
});

test('it is seen by its own people and those of the installation; to others there is none', async () => {
  const { tenantId } = await seededTenant(api.database);
  for (const [role, of] of [
    ['security_admin', tenantId],
    ['security_auditor', tenantId],
    ['security_auditor', '*'],
  ] as const)
    assert.equal((await ask(tenantId, bearer({ roles: [role], tenantId: of }))).status, 200);
  checkError(
    await ask(tenantId, bearer({ roles: ['security_admin'], tenantId: randomUUID() })),
    'TENANT_NOT_FOUND',
  );
  checkError(await ask(tenantId, { ...everybody, 'x-tenantid': randomUUID() }), 'TENANT_NOT_FOUND');
  checkError(
    await ask(tenantId, bearer({ roles: ['security_operator'], tenantId })),
    'INSUFFICIENT_PERMISSIONS',
  );
  checkError(await ask(randomUUID()), 'TENANT_NOT_FOUND');
  checkError(await ask('none'), 'TENANT_NOT_FOUND');
});
