import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, RotationsResponse } from '@rekey/contract';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();

const list = (query = '', headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ path: `${rotationsPath}${query}`, headers: { ...bearer(), ...headers } });
const idsOf = (answer: Answer): string[] => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(RotationsResponse, answer.json), answer.text);
  return answer.json.data.rotations.map(({ rotationId }: { rotationId: string }) => rotationId);
};
const of = (role: string, tenantId?: string) =>
  bearer({ roles: [role], ...(tenantId === undefined ? {} : { tenantId }) });

const tenants: string[] = [];
const started: string[] = [];
for (let n = 0; n < 7; n += 1) {
  const tenantId = await emptyTenant(api.database);
  tenants.push(tenantId);
  const answer = await api.send(
    rotateCall(tenantId, { headers: bearer({ sub: n % 2 === 0 ? 'ada' : 'bob' }) }),
  );
  started.push(answer.json.data.rotationId);
}
const latestFirst = [...started].reverse();
const [tenant = '', other = ''] = tenants;

test('rotations are listed, the latest first, and found by each filter', async () => {
  assert.deepEqual(idsOf(await list()), latestFirst);
  assert.deepEqual(idsOf(await list(`?tenantId=${tenant.toUpperCase()}`)), [started[0]]);
  assert.deepEqual(idsOf(await list('', { 'x-tenantid': tenant })), [started[0]]);
  assert.deepEqual(idsOf(await list('?initiatedBy=bob')), [started[5], started[3], started[1]]);
  assert.deepEqual(idsOf(await list('?phase=queued&status=in_progress')), latestFirst);
  assert.deepEqual(idsOf(await list('?status=paused')), []);
  await api.send({ method: 'POST', path: `${rotationsPath}/${started[2]}/pause`, headers: bearer() });
  await api.send({ method: 'POST', path: `${rotationsPath}/${started[3]}/cancel`, headers: bearer() });
  assert.deepEqual(idsOf(await list('?status=paused')), [started[2]]);
  assert.deepEqual(idsOf(await list('?phase=done')), [started[3]]);

  const at = (await list(`?tenantId=${tenants[4]}`)).json.data.rotations[0].startedAt;
  const [early, late] = [idsOf(await list(`?startedBefore=${at}`)), idsOf(await list(`?startedAfter=${at}`))];
  assert.ok(late.includes(started[4] ?? ''), 'the moment itself is after it');
  assert.deepEqual([...late, ...early], latestFirst);
});

test('whose token names the installation reads those of all tenants, and steers no more than its role may', async () => {
  assert.deepEqual(idsOf(await list('', of('security_auditor', '*'))), latestFirst);
  assert.deepEqual(idsOf(await list(`?tenantId=${other}`, of('security_auditor', '*'))), [started[1]]);
  const pause = (role: string): Promise<Answer> =>
    api.send({ method: 'POST', path: `${rotationsPath}/${started[6]}/pause`, headers: of(role, '*') });
  checkError(await pause('security_auditor'), 'INSUFFICIENT_PERMISSIONS');
  assert.equal((await pause('security_operator')).status, 200);
  checkError(
    await api.send(rotateCall(other, { headers: of('security_operator', '*') })),
    'INSUFFICIENT_PERMISSIONS',
  );
});

test('pages join without a gap or a double, whatever is started between them', async () => {
  const seen: string[] = [];
  let query = '?limit=2';
  for (let page = 0; ; page += 1) {
    const answer = await list(query);
    seen.push(...idsOf(answer));
    const { nextCursor } = answer.json.data;
    if (nextCursor === null) break;
    query = `?limit=2&cursor=${nextCursor}`;
    if (page === 1) await api.send(rotateCall(await emptyTenant(api.database)));
  }
  assert.deepEqual(seen, latestFirst);
});

test('rotations of one microsecond are told apart by their ids', async () => {
  await pool.query(`set session_replication_role = replica; update rekey.rotations set started_at = '2001-02-03 04:05:06.789123Z';
    set session_replication_role = origin`);
  const all = idsOf(await list());
  const first = await list('?limit=3');
  const rest = await list(`?limit=200&cursor=${first.json.data.nextCursor}`);
  assert.deepEqual([...idsOf(first), ...idsOf(rest)], all);
  assert.equal(new Set(all).size, all.length);
});

test('who is bound to a tenant sees that tenant’s, and learns nothing of others', async () => {
  for (const role of ['security_admin', 'security_auditor']) {
    assert.deepEqual(idsOf(await list('', of(role, tenant))), [started[0]], role);
    assert.deepEqual(idsOf(await list(`?tenantId=${tenant}`, of(role, tenant))), [started[0]], role);
    for (const foreign of [other, '00000000-0000-4000-8000-000000000000'])
      checkError(await list(`?tenantId=${foreign}`, of(role, tenant)), 'INSUFFICIENT_PERMISSIONS', role);
    checkError(await list('', of(role)), 'INSUFFICIENT_PERMISSIONS', `${role} of no tenant`);
  }
  checkError(await list('', of('security_operator', tenant)), 'INSUFFICIENT_PERMISSIONS');
});

test('what is no filter is refused by name', async () => {
  for (const query of [
    'tenantId=x',
    'status=done',
    'phase=paused',
    'startedAfter=yesterday',
    'startedBefore=2025-02-30T25:00:00Z',
    'startedBefore=2025-02-30T00:00:00Z',
    'startedAfter=2025-01-01T24:00:00Z',
    'initiatedBy=',
    'initiatedBy=a%00b',
    'cursor=e30',
    `cursor=${Buffer.from('["1","x"]').toString('base64url')}`,
    'limit=0',
    'limit=201',
    'sort=asc',
  ]) {
    const answer = await list(`?${query}`);
    checkError(answer, 'INVALID_REQUEST', query);
    assert.equal(answer.json.error.issues[0].path, `query.${query.split('=')[0]}`, query);
  }
  checkError(await list(`?tenantId=${tenant}`, { 'x-tenantid': other }), 'INVALID_REQUEST');
});
