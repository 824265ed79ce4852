import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  BlastRadiusResponse,
  conforms,
  DestructionResponse,
  formatKeyId,
  KeyResponse,
  KeysResponse,
} from '@rekey/contract';
import { reportUsage } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const path = '/api/v1/admin/keys';
const mine = await seededTenant(api.database);
const other = await seededTenant(api.database);
const admin = (tenantId: string, role = 'security_admin') => ({ roles: [role], tenantId });

const get = (rest = '', claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: `${path}${rest}`, headers: bearer(claims) });
const post = (rest: string, claims: Record<string, unknown> = {}, body?: unknown): Promise<Answer> =>
  api.send({ method: 'POST', path: `${path}${rest}`, headers: bearer(claims), ...(body ? { body } : {}) });
const idsOf = (answer: Answer): string[] => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(KeysResponse, answer.json), answer.text);
  return answer.json.data.keys.map(({ keyId }: { keyId: string }) => keyId);
};

const processId = randomUUID();
await reportUsage(pool, {
  processId,
  kind: 'vault',
  host: 'a-host',
  version: '1',
  ends: false,
  toldAll: true,
  opened: [{ dekId: mine.dekId, sinceMs: 20, lastMs: 10 }],
  proved: [],
  latencies: {},
});

test('keys are listed by tenant and number, found by each filter, and counted for one tenant', async () => {
  const sorted = [mine, other]
    .sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1))
    .map(({ dekId }) => formatKeyId(dekId));
  assert.deepEqual(idsOf(await get()), sorted);
  assert.equal((await get()).json.data.keys[0].records, null);
  const first = await get('?limit=1');
  assert.deepEqual(idsOf(first), sorted.slice(0, 1));
  assert.deepEqual(idsOf(await get(`?cursor=${first.json.data.nextCursor}`)), sorted.slice(1));
  assert.deepEqual(idsOf(await get('?state=destroyed')), []);
  assert.deepEqual(idsOf(await get('?kekId=local:none')), []);
  const { kekId } = (await get()).json.data.keys[0];
  assert.deepEqual(idsOf(await get(`?kekId=${encodeURIComponent(kekId)}&state=active`)), sorted);
  const [one] = (await get(`?tenantId=${mine.tenantId}`)).json.data.keys;
  assert.deepEqual([one.records, one.share, one.processes], [85, 1, 1]);
  checkError(await get('?cursor=abc'), 'INVALID_REQUEST');
  checkError(await get('?state=lost'), 'INVALID_REQUEST');
});

test('one key, and what it reaches: records by table, who used it, and backups that nobody can see', async () => {
  const key = await get(`/${formatKeyId(mine.dekId)}`);
  assert.ok(conforms(KeyResponse, key.json), key.text);
  assert.deepEqual([key.json.data.state, key.json.data.records, key.json.data.keyNumber], ['active', 85, 1]);
  assert.ok(key.json.data.lastUsedAt);

  const radius = await get(`/${formatKeyId(mine.dekId)}/blast-radius`);
  assert.ok(conforms(BlastRadiusResponse, radius.json), radius.text);
  const { records, targets, processes, backups } = radius.json.data;
  assert.equal(records, 85);
  assert.deepEqual(targets, [
    { target: 'api_keys', itemType: 'apiKeys', records: 10 },
    { target: 'credentials', itemType: 'credentials', records: 25 },
    { target: 'secrets', itemType: 'secrets', records: 50 },
  ]);
  assert.deepEqual(
    processes.map((one: { processId: string }) => one.processId),
    [processId],
  );
  assert.equal(backups.state, 'unknown');
});

test('a key of another tenant is not there, whatever is asked of it', async () => {
  const keyId = formatKeyId(mine.dekId);
  for (const rest of ['', '/destruction', '/blast-radius'])
    checkError(await get(`/${keyId}${rest}`, admin(other.tenantId)), 'KEY_NOT_FOUND');
  for (const verb of ['schedule', 'cancel', 'approve']) {
    const rest = `/${keyId}/${verb}-destruction`;
    checkError(await post(rest, admin(other.tenantId)), 'KEY_NOT_FOUND');
    checkError(await post(rest, admin(mine.tenantId, 'security_operator')), 'INSUFFICIENT_PERMISSIONS');
    checkError(await post(rest, admin(mine.tenantId, 'security_auditor')), 'INSUFFICIENT_PERMISSIONS');
    checkError(await post(`/dek-${randomUUID()}/${verb}-destruction`), 'KEY_NOT_FOUND');
    checkError(await post(rest, {}, { reason: 7 }), 'INVALID_REQUEST');
  }
  assert.deepEqual(idsOf(await get('', admin(mine.tenantId))), [keyId]);
  checkError(await get(`?tenantId=${other.tenantId}`, admin(mine.tenantId)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await get('/dek-x'), 'KEY_NOT_FOUND');
});

test('a key is scheduled, approved and kept again, and what is in the way is named with its evidence', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const keyId = formatKeyId(dekId);
  const refused = await post(`/${keyId}/schedule-destruction`, admin(tenantId));
  checkError(refused, 'DESTRUCTION_REFUSED');
  assert.deepEqual(refused.json.error.issues, [
    { path: 'out_of_use', message: 'does not hold' },
    { path: 'drained', message: 'does not hold' },
    { path: 'no_records', message: 'does not hold' },
    { path: 'backups', message: 'does not hold' },
  ]);

  // Out of use, empty, and somebody has said how long backups are kept.
  await pool.query(`update rekey.deks set state = 'deactivated', deactivated_at = now() where id = $1`, [
    dekId,
  ]);
  await pool.query('select rekey.drain_older($1)', [tenantId]);
  for (const table of ['secrets', 'credentials', 'api_keys'])
    await pool.query(`delete from public.${table} where tenant_id = $1`, [tenantId]);
  await pool.query(`select rekey.change_setting('backup_horizon_seconds', 3600)`);
  const scheduled = await post(`/${keyId}/schedule-destruction`, admin(tenantId), { reason: 'it is old' });
  assert.ok(conforms(DestructionResponse, scheduled.json), scheduled.text);
  assert.deepEqual(
    [scheduled.status, scheduled.json.data.request?.subject, scheduled.json.data.request?.reason],
    [200, 'ada', 'it is old'],
  );
  assert.equal(scheduled.json.data.safeToDestroy, false);
  assert.equal((await get(`/${keyId}`)).json.data.destructionDueAt, scheduled.json.data.request?.dueAt);

  const approval = await post(`/${keyId}/approve-destruction`, { ...admin(tenantId), sub: 'bob' });
  checkError(approval, 'DESTRUCTION_REFUSED');
  const paths = approval.json.error.issues.map((issue: { path: string }) => issue.path);
  assert.ok(paths.includes('backups') && paths.includes('unused'), approval.text);

  // The installation's processes and roles are counted for who is bound to a tenant, and named for others.
  const unused = async (claims: Record<string, unknown>) =>
    (await get(`/${keyId}/destruction`, claims)).json.data.conditions.find(
      ({ name }: { name: string }) => name === 'unused',
    ).evidence;
  const { unheardRoles: named } = await unused({});
  assert.ok(named.length > 0);
  assert.equal((await unused(admin(tenantId))).unheardRoles, named.length);

  for (let n = 0; n < 2; n += 1) {
    const kept = await post(`/${keyId}/cancel-destruction`, admin(tenantId));
    assert.deepEqual([kept.status, kept.json.data.request], [200, null]);
  }
});
