import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, NewTenantResponse } from '@rekey/contract';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const create = (
  body: object,
  { claims = {}, headers = {} }: { claims?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: '/api/v1/admin/tenants',
    headers: { ...bearer(claims), ...headers },
    body,
  });
const installation = { roles: ['security_admin'], tenantId: '*' };

test('a tenant is made, and a rotation called for that gives it its first key', async () => {
  const tenantId = randomUUID();
  const made = await create({ tenantId: tenantId.toUpperCase(), name: 'Example Ltd' });
  assert.equal(made.status, 200, made.text);
  assert.ok(conforms(NewTenantResponse, made.json), made.text);
  const { data } = made.json;
  assert.deepEqual([data.tenantId, data.name, data.keyId], [tenantId, 'Example Ltd', null]);
  const { rows } = await pool.query(
    `select 'rot-' || id as id, previous_dek_id, status from rekey.rotations where tenant_id = $1`,
    [tenantId],
  );
  assert.deepEqual(rows, [{ id: data.rotationId, previous_dek_id: null, status: 'in_progress' }]);
  const { rows: events } = await pool.query(
    'select kind, actor from rekey.events where chain = $1 order by sequence',
    [tenantId],
  );
  const created = events.find(({ kind }) => kind === 'tenant.created');
  assert.equal(created?.actor.kind, 'user', JSON.stringify(events));
  assert.deepEqual(
    created.actor.id,
    events.find(({ kind }) => kind === 'rotation.requested')?.actor.id,
    'whoever called for it',
  );

  const again = await create({ tenantId, name: 'Example Ltd' }, { claims: installation });
  assert.deepEqual(again.json.data, data, 'the same, whoever asks and however often');
});

test('calls at the same time make one tenant and one rotation', async () => {
  const tenantId = randomUUID();
  const all = await Promise.all(Array.from({ length: 8 }, () => create({ tenantId, name: 'Example Ltd' })));
  const told = new Set(all.map(({ status, json }) => `${status} ${json.data.rotationId}`));
  assert.equal(told.size, 1, [...told].join());
});

test('another name changes nothing, and who is bound to a tenant makes none', async () => {
  const tenantId = randomUUID();
  assert.equal((await create({ tenantId, name: 'One' })).status, 200);
  checkError(await create({ tenantId, name: 'Two' }), 'TENANT_EXISTS');
  const { rows } = await pool.query('select name from rekey.tenants where id = $1', [tenantId]);
  assert.deepEqual(rows, [{ name: 'One' }]);
  const own = { roles: ['security_admin'], tenantId: randomUUID() };
  checkError(
    await create({ tenantId: own.tenantId, name: 'Mine' }, { claims: own }),
    'INSUFFICIENT_PERMISSIONS',
  );
  for (const role of ['security_operator', 'security_auditor']) {
    const claims = { roles: [role], tenantId: '*' };
    checkError(await create({ tenantId: randomUUID(), name: 'No' }, { claims }), 'INSUFFICIENT_PERMISSIONS');
  }
  for (const body of [
    { tenantId },
    { tenantId, name: '' },
    { tenantId, name: 'a\u0000b' },
    { tenantId, name: 'x'.repeat(201) },
  ])
    checkError(await create(body), 'INVALID_REQUEST');
});
