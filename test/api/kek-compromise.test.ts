import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { registerKek, reportUsage } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const mine = await seededTenant(api.database);
await seededTenant(api.database);
const [oldKek, newKek, thirdKek] = ['local:test', 'local:0123456789abcdef', 'local:fedcba9876543210'];
for (const [name, id] of [
  ['lost', oldKek],
  ['next', newKek],
  ['third', thirdKek],
] as const)
  await registerKek(pool, name, id);
const tell = (processId: string, kekIds: readonly string[]): Promise<void> =>
  reportUsage(pool, {
    processId,
    kind: 'worker',
    host: 'a-host',
    version: '1',
    ends: false,
    toldAll: true,
    opened: [],
    proved: kekIds.map((kekId) => ({ kekId, ms: 1 })),
    latencies: {},
  });
const worker = randomUUID();

const compromise = (body: unknown, claims: Record<string, unknown> = {}, kek = 'lost'): Promise<Answer> =>
  api.send({ method: 'POST', path: `/api/v1/admin/keks/${kek}/compromise`, body, headers: bearer(claims) });
const stands = (claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: '/api/v1/admin/keks/lost/compromise', headers: bearer(claims) });
const order = { kek: 'next', reason: 'it was found elsewhere' };

test('only super_admin declares a KEK compromised, and who may act on all tenants sees how far it is', async () => {
  await tell(worker, [oldKek]);
  for (const role of ['security_admin', 'security_operator', 'security_auditor'])
    for (const tenantId of [mine.tenantId, '*'])
      checkError(await compromise(order, { roles: [role], tenantId }), 'INSUFFICIENT_PERMISSIONS', role);
  checkError(await stands(), 'KEK_NOT_FOUND');
  checkError(await compromise(order, {}, 'unknown'), 'KEK_NOT_FOUND');
  checkError(await compromise({ ...order, kek: 'unknown' }), 'KEK_NOT_FOUND');
  checkError(await compromise({ kek: 'next' }), 'INVALID_REQUEST');
  checkError(await compromise({ ...order, kek: 'lost' }), 'REWRAP_REFUSED');
  const lacking = await compromise(order);
  checkError(lacking, 'REWRAP_REFUSED');
  assert.match(lacking.text, /a-host/);
  assert.deepEqual((await pool.query('select from rekey.kek_compromises')).rowCount, 0);
});

test('it begins at once, takes the place of rewraps, is begun once, and only workers end it', async () => {
  await tell(worker, [oldKek, newKek, thirdKek]);
  const rewrap = await api.send({
    method: 'POST',
    path: '/api/v1/admin/kek/rewrap',
    body: { all: true, kek: 'third' },
    headers: bearer(),
  });
  assert.equal(rewrap.status, 200, rewrap.text);
  const began = await compromise(order);
  assert.equal(began.status, 200, began.text);
  const { compromiseId, ...data } = began.json.data;
  assert.deepEqual(
    [data.status, data.phase, data.keysTotal, data.keysUnder, data.keysInUse, data.replacedBy],
    ['in_progress', 'rewrapping', 2, 2, 2, 'next'],
  );
  const again = await compromise({ ...order, reason: 'again' });
  assert.equal(again.json.data.compromiseId, compromiseId);
  checkError(await compromise({ ...order, kek: 'third' }), 'REWRAP_REFUSED');
  const { rows: rewraps } = await pool.query(
    'select status, kek_name, from_kek_id, deks::integer from rekey.rewraps order by started_at',
  );
  assert.deepEqual(rewraps, [
    { status: 'cancelled', kek_name: 'third', from_kek_id: null, deks: 2 },
    { status: 'in_progress', kek_name: 'next', from_kek_id: oldKek, deks: 2 },
  ]);
  for (const role of ['security_admin', 'security_auditor']) {
    assert.equal((await stands({ roles: [role], tenantId: '*' })).status, 200, role);
    checkError(await stands({ roles: [role], tenantId: mine.tenantId }), 'KEK_NOT_FOUND', role);
  }
  checkError(await stands({ roles: ['security_operator'], tenantId: '*' }), 'INSUFFICIENT_PERMISSIONS');

  const refused = { code: 'RK002' };
  await assert.rejects(
    pool.query(`update rekey.kek_compromises set status = 'completed', completed_at = now()`),
    refused,
  );
  await assert.rejects(pool.query(`update rekey.kek_compromises set kek_id = 'local:another'`), refused);
  await assert.rejects(pool.query('delete from rekey.kek_compromises'), refused);
  await assert.rejects(pool.query('delete from rekey.kek_compromise_deks'), refused);
  await assert.rejects(pool.query('truncate rekey.kek_compromise_deks'), refused);
  for (const name of ['lost', 'next'])
    await assert.rejects(pool.query('select rekey.forget_kek($1)', [name]), refused, name);
  await pool.query('select * from rekey.lead_kek_compromises(100)'); // a worker rewraps first
  assert.equal((await stands()).json.data.status, 'in_progress');
});
