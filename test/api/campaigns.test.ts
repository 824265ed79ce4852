import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  CampaignResponse,
  CampaignsResponse,
  CampaignTenantsResponse,
  campaignTenantsMax,
  conforms,
} from '@rekey/contract';
import { registerKek, settleCampaigns, startMember } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const [first, second] = [await seededTenant(api.database), await seededTenant(api.database)];
const keyless = await emptyTenant(api.database);
await pool.query(`insert into public.secrets (id, tenant_id, name, key_number, ciphertext)
  select gen_random_uuid(), '${first.tenantId}', 'one more', 1, '\\x01'::bytea || int4send(1) || '\\x00'::bytea`);
await registerKek(pool, 'old', 'local:test');

const path = '/api/v1/admin/campaigns';
const everywhere = (role: string) => ({ roles: [role], tenantId: '*' });
const post = (
  rest: string,
  body: unknown,
  claims: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  api.send({ method: 'POST', path: `${path}${rest}`, body, headers: { ...bearer(claims), ...headers } });
const get = (rest: string, claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: `${path}${rest}`, headers: bearer(claims) });
const membersOf = async (id: string) => (await get(`/${id}/tenants`)).json.data.tenants;

test('a campaign is begun once, chooses its tenants then, in their order; its answer is replayed to the byte', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const body = { all: true, order: 'largest_first', canaries: 1, perHourMax: 7, reason: 'yearly' };
  const started = await post('', body, {}, key);
  assert.equal(started.status, 200, started.text);
  assert.ok(conforms(CampaignResponse, started.json), started.text);
  const { campaignId, tenantsTotal, whom, atOnceMax } = started.json.data;
  assert.deepEqual([tenantsTotal, whom, atOnceMax], [2, { all: true }, 10]);
  await seededTenant(api.database);
  const tenants = await get(`/${campaignId}/tenants?limit=1`);
  assert.ok(conforms(CampaignTenantsResponse, tenants.json), tenants.text);
  assert.deepEqual(
    tenants.json.data.tenants.map(({ tenantId, items }: { tenantId: string; items: number }) => [
      tenantId,
      items,
    ]),
    [[first.tenantId, 86]],
  );
  const next = await get(`/${campaignId}/tenants?limit=1&cursor=${tenants.json.data.nextCursor}`);
  assert.equal(next.json.data.tenants[0].tenantId, second.tenantId);
  assert.equal(next.json.data.nextCursor, null);

  assert.equal((await post(`/${campaignId}/cancel`, { reason: 'a test' })).json.data.status, 'cancelled');
  assert.equal((await post('', body, {}, key)).text, started.text);
  checkError(await post('', { ...body, canaries: 2 }, {}, key), 'IDEMPOTENCY_KEY_REUSED');
  const list = await get('?limit=1');
  assert.ok(conforms(CampaignsResponse, list.json), list.text);
  assert.equal(list.json.data.campaigns[0]?.campaignId, campaignId);
});

test('whom: by KEK, by age, or by ids in the order given, of which every one has to be a tenant', async () => {
  const chosen = async (body: Record<string, unknown>): Promise<string[]> => {
    const started = await post('', body);
    assert.equal(started.status, 200, started.text);
    const { campaignId } = started.json.data;
    const found = (await membersOf(campaignId)).map(({ tenantId }: { tenantId: string }) => tenantId);
    await post(`/${campaignId}/cancel`, {});
    return found;
  };
  assert.equal((await chosen({ onKek: 'old' })).length, 3);
  assert.equal((await chosen({ olderThanDays: 1 })).length, 0);
  assert.equal((await chosen({ olderThanDays: 0 })).length, 3);
  const given = [second.tenantId, keyless, first.tenantId];
  const twice = [...given, second.tenantId.toUpperCase()];
  assert.deepEqual(await chosen({ tenantIds: twice, order: 'as_given' }), given);
  const unknown = randomUUID();
  const refused = await post('', { tenantIds: [first.tenantId, unknown] });
  checkError(refused, 'TENANT_NOT_FOUND');
  assert.deepEqual(refused.json.error.issues, [
    { path: 'body.tenantIds', message: `${unknown} is no tenant` },
  ]);
  checkError(await post('', { onKek: 'nobodys' }), 'KEK_NOT_FOUND');
  const many = Array.from({ length: campaignTenantsMax }, () => randomUUID());
  checkError(await post('', { tenantIds: many }), 'TENANT_NOT_FOUND');
  checkError(await post('', { tenantIds: [...many, unknown] }), 'INVALID_REQUEST');
});

test('what does not fit together is refused, with what', async () => {
  for (const [body, paths] of [
    [{}, ['body.all']],
    [{ all: true, onKek: 'old' }, ['body.all']],
    [{ all: true, action: 'rewrap' }, ['body.kek']],
    [{ all: true, kek: 'old' }, ['body.kek']],
    [{ all: true, callsPerSecondMax: 5 }, ['body.callsPerSecondMax']],
    [{ all: true, order: 'as_given' }, ['body.order']],
    [{ all: true, atOnceMax: 0 }, ['body.atOnceMax']],
    [{ tenantIds: [] }, ['body.tenantIds']],
  ] as const) {
    const answer = await post('', body);
    checkError(answer, 'INVALID_REQUEST', JSON.stringify(body));
    assert.deepEqual(
      answer.json.error.issues.map((issue: { path: string }) => issue.path),
      paths,
    );
  }
});

test('a campaign is of the whole installation: a token of one tenant is refused, and roles are as they are written', async () => {
  const { campaignId } = (await post('', { tenantIds: [second.tenantId] })).json.data;
  for (const role of ['security_admin', 'security_auditor', 'security_operator']) {
    const own = { roles: [role], tenantId: second.tenantId };
    for (const answer of [
      await get('', own),
      await get(`/${campaignId}`, own),
      await get(`/${campaignId}/tenants`, own),
      await post('', { all: true }, own),
      await post(`/${campaignId}/pause`, {}, own),
    ])
      checkError(answer, 'INSUFFICIENT_PERMISSIONS', role);
  }
  assert.equal((await get(`/${campaignId}`, everywhere('security_auditor'))).status, 200);
  checkError(
    await post(`/${campaignId}/pause`, {}, everywhere('security_auditor')),
    'INSUFFICIENT_PERMISSIONS',
  );
  const operator = everywhere('security_operator');
  assert.equal((await post(`/${campaignId}/pause`, {}, operator)).json.data.status, 'paused');
  assert.equal((await post(`/${campaignId}/resume`, {}, operator)).json.data.status, 'in_progress');
  checkError(await post(`/${campaignId}/cancel`, {}, operator), 'INSUFFICIENT_PERMISSIONS');
  assert.equal((await post(`/${campaignId}/cancel`, {}, everywhere('security_admin'))).status, 200);
  checkError(await get(`/campaign-${randomUUID()}`), 'CAMPAIGN_NOT_FOUND');
});

test('a paused one starts nobody, a cancelled one never again; its events say who and why, its rotation that it was it', async () => {
  const { campaignId } = (await post('', { tenantIds: [second.tenantId], reason: 'yearly' })).json.data;
  assert.equal((await post(`/${campaignId}/pause`, { reason: 'lunch' })).json.data.status, 'paused');
  assert.equal((await post(`/${campaignId}/pause`, {})).status, 200);
  assert.equal(await startMember(pool), null);
  await post(`/${campaignId}/resume`, {});
  const started = await startMember(pool);
  assert.equal(started?.outcome, 'started');
  const rotation = await api.send({
    path: `/api/v1/admin/dek/rotations/rot-${started?.workId}`,
    headers: bearer(),
  });
  assert.deepEqual(rotation.json.data.initiatedBy, { id: campaignId, name: null, email: null });
  const requested = await pool.query(
    `select actor ->> 'kind' as kind, actor ->> 'id' as id, payload ->> 'reason' as reason from rekey.events
     where rotation_id = $1 and kind = 'rotation.requested'`,
    [started?.workId],
  );
  assert.deepEqual(requested.rows, [{ kind: 'campaign', id: campaignId, reason: 'yearly' }]);
  assert.equal((await post(`/${campaignId}/cancel`, {})).json.data.tenantsByState.running, 1);
  checkError(await post(`/${campaignId}/resume`, {}), 'CAMPAIGN_FINISHED');
  await api.send({
    method: 'POST',
    path: `/api/v1/admin/dek/rotations/rot-${started?.workId}/cancel`,
    headers: bearer(),
  });
  // What it started is followed to its end even so.
  assert.equal(await settleCampaigns(pool), 1);
  assert.equal((await membersOf(campaignId))[0].state, 'cancelled');
  const events = await pool.query(
    `select kind, payload ->> 'reason' as reason from rekey.events
     where payload ->> 'campaignId' = $1 order by sequence`,
    [campaignId.replace('campaign-', '')],
  );
  assert.deepEqual(
    events.rows.map(({ kind, reason }) => [kind, reason]),
    [
      ['campaign.requested', 'yearly'],
      ['campaign.paused', 'lunch'],
      ['campaign.resumed', null],
      ['campaign.cancelled', null],
    ],
  );
});
