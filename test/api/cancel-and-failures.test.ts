import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, FailuresResponse, RotationResponse } from '@rekey/contract';
import { findRotation } from '@rekey/control';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, rotateCall, rotationsPath, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();

const started = async (tenantId: string, headers: Record<string, string> = {}): Promise<Answer> => {
  const answer = await api.send(rotateCall(tenantId, { headers }));
  assert.equal(answer.status, 200, answer.text);
  return answer;
};
const startedId = async (tenantId: string): Promise<string> => (await started(tenantId)).json.data.rotationId;
const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ path: `${rotationsPath}/${path}`, headers: { ...bearer(), ...headers } });
const cancel = (id: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ method: 'POST', path: `${rotationsPath}/${id}/cancel`, headers: { ...bearer(), ...headers } });
const adminOf = (tenantId: string) => bearer({ roles: ['security_admin'], tenantId });

test('cancel ends an unfinished rotation and frees the tenant; once more changes nothing', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await startedId(tenantId);
  const view = await findRotation(pool, id.slice(4));
  assert.ok(view !== null);
  await until(
    () => api.snapshots.publish({ rotationId: view.id, tenantId, version: 0, final: false, view }),
    {
      what: 'Redis',
    },
  );
  const answer = await cancel(id, adminOf(tenantId));
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(RotationResponse, answer.json), answer.text);
  assert.deepEqual([answer.json.data.status, answer.json.data.phase], ['cancelled', 'done']);
  assert.equal((await get(id)).json.data.status, 'cancelled', 'at once, also for who reads from Redis');
  assert.equal((await cancel(id)).status, 200);
  const next = await startedId(tenantId);
  assert.notEqual(next, id);

  const bodies: ReadonlyArray<[raw: string, type: string | undefined, status: number]> = [
    ['{"x":1}', 'application/json', 400],
    ['{', 'application/json', 400],
    ['{}', 'text/plain', 415],
    ['{}', undefined, 415],
    ['', 'application/json', 200],
  ];
  for (const [raw, type, status] of bodies) {
    const path = `${rotationsPath}/${next}/cancel`;
    const given = await api.send({
      method: 'POST',
      path,
      raw,
      headers: { ...bearer(), 'content-type': type },
    });
    assert.equal(given.status, status, `${raw} as ${type}: ${given.text}`);
  }
  const last = await startedId(tenantId);
  const empty = await api.send({
    method: 'POST',
    path: `${rotationsPath}/${last}/cancel`,
    body: {},
    headers: bearer(),
  });
  assert.equal(empty.status, 200);
});

test('failures are listed page by page, never a value; the limit and the cursor are checked', async () => {
  const { tenantId } = await seededTenant(api.database);
  const id = await startedId(tenantId);
  await pool.query(
    `insert into rekey.rotation_failures (rotation_id, target, record_id, reason)
     select $1, 'secrets', id::text, 'MALFORMED' from public.secrets where tenant_id = $2 limit 7`,
    [id.slice(4), tenantId],
  );
  const seen: string[] = [];
  let cursor = '';
  for (let pages = 0; pages < 10; pages += 1) {
    const page = await get(`${id}/failures?limit=3${cursor}`, adminOf(tenantId));
    assert.equal(page.status, 200, page.text);
    assert.ok(conforms(FailuresResponse, page.json), page.text);
    seen.push(...page.json.data.failures.map((failure: { recordId: string }) => failure.recordId));
    if (page.json.data.nextCursor === null) break;
    cursor = `&cursor=${page.json.data.nextCursor}`;
  }
  assert.equal(seen.length, 7);
  assert.equal(new Set(seen).size, 7);
  assert.equal((await get(`${id}/failures`)).json.data.failures.length, 7);
  for (const limit of ['1', '500'])
    assert.equal((await get(`${id}/failures?limit=${limit}`)).status, 200, limit);
  for (const query of [
    'limit=0',
    'limit=501',
    'limit=-1',
    'limit=1.5',
    'limit=1e2',
    'limit=',
    'limit=x',
    'limit=1&limit=2',
    'cursor=',
    'cursor=a%20b',
    `cursor=${'a'.repeat(1_025)}`,
    'offset=1',
  ]) {
    checkError(await get(`${id}/failures?${query}`), 'INVALID_REQUEST', query);
  }
});
