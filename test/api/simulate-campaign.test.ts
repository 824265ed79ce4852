import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CampaignSimulationResponse, conforms } from '@rekey/contract';
import { registerKek } from '@rekey/control';
import { pastTheTriggers } from '../harness/damage.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const tenants = await Promise.all(Array.from({ length: 4 }, () => seededTenant(api.database)));
const [first = '', second = '', busy = '', late = ''] = tenants.map(({ tenantId }) => tenantId);
await emptyTenant(api.database);
await registerKek(pool, 'old', 'local:test');

const post = (rest: string, body: unknown, claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ method: 'POST', path: `/api/v1/admin/campaigns${rest}`, body, headers: bearer(claims) });
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
const simulated = async (body: unknown): Promise<any> => {
  const answer = await post('/simulate', body);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(CampaignSimulationResponse, answer.json), answer.text);
  return answer.json.data;
};
const counts = async (): Promise<unknown> =>
  (
    await pool.query(`select (select count(*) from rekey.campaigns) as campaigns,
      (select count(*) from rekey.rotations) as rotations, (select count(*) from rekey.rewraps) as rewraps,
      (select count(*) from rekey.events) as events`)
  ).rows;

const { rotationId } = (await api.send(rotateCall(busy))).json.data;

test('it says whom a campaign would be for, skip, and when it would end, and does nothing', async () => {
  const before = await counts();
  const found = await simulated({ all: true, atOnceMax: 2 });
  assert.equal(found.tenantsTotal, 4);
  assert.deepEqual(found.skipped, {
    count: 1,
    tenants: [{ tenantId: busy, reason: 'rotation_in_progress', workId: rotationId }],
  });
  assert.equal(found.seconds.by, 'assumed');
  assert.ok(found.seconds.low > 0 && found.seconds.high > found.seconds.low);
  const { earliest, latest } = found.endsAt;
  assert.ok(Date.parse(earliest) > Date.now() - 60_000 && Date.parse(earliest) < Date.parse(latest));
  assert.deepEqual(found.policyNotKept, { count: 0, certain: 0, tenants: [] });
  assert.deepEqual(await counts(), before);
  // What the campaign then is for.
  const started = (await post('', { all: true, atOnceMax: 2 })).json.data;
  assert.equal(started.tenantsTotal, found.tenantsTotal);
  await post(`/${started.campaignId}/cancel`, {});
  assert.equal((await simulated({ tenantIds: [first, second], perHourMax: 1 })).seconds.low > 3_600, true);
  assert.equal((await simulated({ olderThanDays: 50 })).tenantsTotal, 0);
});

test('whose policy it cannot keep is named, the first to be overdue first', async () => {
  await pastTheTriggers(pool, async (tx) => {
    for (const [tenantId, days] of [
      [late, 31],
      [second, 29.9999],
    ] as const) {
      await tx.query(
        `insert into rekey.policies (tenant_id, version, policy) values ($1, 1, '{"rotateEveryDays": 30}')`,
        [tenantId],
      );
      await tx.query(
        `update rekey.deks set activated_at = clock_timestamp() - $2::float8 * interval '24 hours'
         where tenant_id = $1 and state = 'active'`,
        [tenantId, days],
      );
    }
  });
  const body = { tenantIds: [first, late, second], order: 'as_given', perHourMax: 1 };
  const { policyNotKept } = await simulated(body);
  assert.deepEqual([policyNotKept.count, policyNotKept.certain], [2, 2]);
  assert.deepEqual(
    policyNotKept.tenants.map(({ tenantId }: { tenantId: string }) => tenantId),
    [late, second],
  );
  const [, { endsAt, overdueAt }] = policyNotKept.tenants;
  assert.ok(Date.parse(endsAt.earliest) - Date.parse(overdueAt) > 7_000_000, 'its turn is the third hour’s');
  assert.equal((await simulated({ tenantIds: [first] })).policyNotKept.count, 0);
});

test('of a rewrap it counts what is under another KEK, and skips whom another rewrap has', async () => {
  const found = await simulated({ all: true, action: 'rewrap', kek: 'old' });
  assert.deepEqual([found.tenantsTotal, found.skipped.count, found.policyNotKept.count], [4, 0, 0]);
  await pool.query(
    `select * from rekey.start_rewrap($1, $2, 'old', 10, true, null, '{"kind":"user","id":"ada"}', null, null, null)`,
    [randomUUID(), first],
  );
  const { skipped } = await simulated({ all: true, action: 'rewrap', kek: 'old' });
  assert.deepEqual(
    skipped.tenants.map(({ tenantId, reason }: Record<string, string>) => [tenantId, reason]),
    [[first, 'rewrap_in_progress']],
  );
});

test('while a compromised key is replaced, nobody says when it would end', async () => {
  await pastTheTriggers(pool, (tx) =>
    tx.query('update rekey.rotations set compromise = true where tenant_id = $1', [busy]),
  );
  assert.equal((await simulated({ all: true })).endsAt, null);
});

test('it refuses what a campaign refuses', async () => {
  checkError(await post('/simulate', {}), 'INVALID_REQUEST');
  checkError(await post('/simulate', { all: true, reason: 'x' }), 'INVALID_REQUEST');
  checkError(await post('/simulate', { all: true, olderThanDays: 3 }), 'INVALID_REQUEST');
  checkError(await post('/simulate', { tenantIds: [randomUUID()] }), 'TENANT_NOT_FOUND');
  checkError(await post('/simulate', { onKek: 'nobodys' }), 'KEK_NOT_FOUND');
  checkError(await post('/simulate', { all: true, action: 'rewrap', kek: 'nobodys' }), 'KEK_NOT_FOUND');
  for (const [role, tenantId] of [
    ['security_admin', first],
    ['security_auditor', '*'],
    ['security_operator', '*'],
  ])
    checkError(
      await post('/simulate', { all: true }, { roles: [role], tenantId }),
      'INSUFFICIENT_PERMISSIONS',
    );
});
