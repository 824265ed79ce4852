import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { conforms, TenantsResponse } from '@rekey/contract';
import { findPolicyFigures, policyRound, renewalRound } from '@rekey/control';
import { openStore } from '@rekey/db';
import { pastTheTriggers } from '../harness/damage.ts';
import { patient } from '../harness/patient.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const store = openStore({ ...patient, url: api.database.url, max: 2, onError: () => {} });
after(() => store.end());
const everybody = bearer({ roles: ['super_admin'] });

const ask = (query = '', headers: Record<string, string> = everybody): Promise<Answer> =>
  api.send({ path: `/api/v1/admin/tenants${query}`, headers });
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
const dataOf = (answer: Answer): any => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(TenantsResponse, answer.json), answer.text);
  return answer.json.data;
};
const idsOf = (answer: Answer): string[] =>
  dataOf(answer).tenants.map(({ tenantId }: { tenantId: string }) => tenantId);
const byPolicy = async (headers = everybody) =>
  (await api.send({ path: '/api/v1/admin/summary', headers })).json.data.byPolicy;

/** A tenant whose DEK is so many days old, and whose policy wants a new one every hundred. */
async function aged(days: number): Promise<string> {
  const { tenantId, dekId } = await seededTenant(api.database);
  await pastTheTriggers(pool, async (tx) => {
    await tx.query(
      `update rekey.deks set activated_at = clock_timestamp() - $2::float8 * interval '24 hours' where id = $1`,
      [dekId, days],
    );
    await tx.query(
      `insert into rekey.policies (tenant_id, version, policy) values ($1, 1, '{"rotateEveryDays": 100}')`,
      [tenantId],
    );
  });
  return tenantId;
}

const [fresh, due, overdue, late] = [await aged(10), await aged(99.999), await aged(101), await aged(300)];
const { tenantId: unsaid } = await seededTenant(api.database);
const empty = await emptyTenant(api.database);

test('before anybody has looked, nobody says that none is overdue', async () => {
  const { tenants, seenAt } = dataOf(await ask());
  assert.equal(seenAt, null);
  assert.equal(tenants.length, 6);
  assert.ok(tenants.every(({ level }: { level: unknown }) => level === null));
  assert.equal(await byPolicy(), null);
  assert.equal(await findPolicyFigures(store, null), null);
});

test('each tenant is listed with how its key stands, and those of a level alone', async () => {
  const { rotationId } = (await api.send(rotateCall(late))).json.data;
  await policyRound(store, 0);
  const { tenants, seenAt } = dataOf(await ask());
  assert.ok(Date.parse(seenAt) > Date.now() - 60_000, seenAt);
  const found = new Map(tenants.map((one: { tenantId: string }) => [one.tenantId, one]));
  const level = (tenantId: string): string | null => (found.get(tenantId) as { level: string | null }).level;
  assert.deepEqual([fresh, due, overdue, late, unsaid, empty].map(level), [
    'fresh',
    'due',
    'overdue',
    'overdue',
    null,
    null,
  ]);
  const one = found.get(late) as Record<string, unknown>;
  assert.equal(one.rotationId, rotationId, 'its unfinished rotation');
  assert.equal(one.tries, 0);
  const { activatedAt, keyNumber } = one.activeKey as { activatedAt: string; keyNumber: number };
  assert.equal(keyNumber, 1);
  const days = (Date.parse(String(one.overdueAt)) - Date.parse(activatedAt)) / 86_400_000;
  assert.ok(Math.abs(days - 100) < 0.001, String(days));
  assert.ok(Date.parse(String(one.dueAt)) <= Date.parse(String(one.overdueAt)));
  assert.equal((found.get(empty) as { activeKey: unknown }).activeKey, null);

  assert.deepEqual(idsOf(await ask('?level=overdue')), [overdue, late].sort());
  assert.deepEqual(idsOf(await ask('?level=due')), [due]);
  assert.deepEqual(idsOf(await ask('?level=orphaned')), []);
  assert.deepEqual(idsOf(await ask(`?level=due&tenantId=${fresh.toUpperCase()}`)), []);
  const { seenAt: at, ...levels } = await byPolicy();
  assert.deepEqual(levels, { fresh: 1, due: 1, overdue: 2, orphaned: 0 });
  assert.equal(at, seenAt);
});

test('whose wrapping is too old is listed and counted as a round saw it, beside how the key stands', async () => {
  const summary = async () =>
    (await api.send({ path: '/api/v1/admin/summary', headers: everybody })).json.data;
  assert.deepEqual((await summary()).wrappingsByPolicy.overdue, 0);
  await pastTheTriggers(pool, async (tx) => {
    await tx.query(
      `update rekey.dek_material m set wrapped_at = clock_timestamp() - interval '61 days'
       from rekey.deks d where d.id = m.dek_id and d.tenant_id in ($1, $2)`,
      [fresh, overdue],
    );
    for (const tenantId of [fresh, overdue, due])
      await tx.query(
        `insert into rekey.policies (tenant_id, version, policy) values ($1, 2, '{"rotateEveryDays": 100, "rewrapEveryDays": 60}')`,
        [tenantId],
      );
  });
  await renewalRound(store);
  const { tenants } = dataOf(await ask());
  const of = new Map(
    tenants.map((one: { tenantId: string; wrapping: object | null }) => [one.tenantId, one.wrapping]),
  );
  const level = (tenantId: string) => (of.get(tenantId) as { level: string } | null)?.level ?? null;
  assert.deepEqual([fresh, due, overdue, late, unsaid, empty].map(level), [
    'overdue',
    'fresh',
    'overdue',
    null,
    null,
    null,
  ]);
  const { overdueAt, tries } = of.get(fresh) as { overdueAt: string; tries: number };
  assert.ok(Math.abs((Date.now() - Date.parse(overdueAt)) / 86_400_000 - 1) < 0.01, overdueAt);
  assert.equal(tries, 0);
  assert.deepEqual(idsOf(await ask('?wrapping=overdue')), [fresh, overdue].sort());
  assert.deepEqual(idsOf(await ask('?wrapping=overdue&level=overdue')), [overdue]);
  assert.deepEqual(idsOf(await ask('?wrapping=orphaned')), []);
  const { seenAt: _, ...wrappings } = (await summary()).wrappingsByPolicy;
  assert.deepEqual(wrappings, { fresh: 1, due: 0, overdue: 2, orphaned: 0 });
});

test('pages have each tenant once, in the order of their ids', async () => {
  const gathered: string[] = [];
  let cursor: string | null = null;
  do {
    const page = dataOf(await ask(`?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`));
    assert.ok(page.tenants.length <= 2);
    gathered.push(...page.tenants.map(({ tenantId }: { tenantId: string }) => tenantId));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(gathered, [fresh, due, overdue, late, unsaid, empty].sort());
});

test('what a round saw too long ago is not told as if it were so now', async () => {
  await pool.query(`update rekey.policy_rounds set at = clock_timestamp() - interval '61 seconds'`);
  assert.equal(await byPolicy(), null);
  assert.ok(Date.parse(dataOf(await ask()).seenAt) < Date.now() - 60_000, 'the list says since when');
  await policyRound(store, 0);
  assert.notEqual(await byPolicy(), null);
});

test('who is bound to a tenant sees that tenant’s, and others name one', async () => {
  const of = (role: string, tenantId?: string) =>
    bearer({ roles: [role], ...(tenantId === undefined ? {} : { tenantId }) });
  assert.deepEqual(idsOf(await ask('', of('security_auditor', overdue))), [overdue]);
  assert.deepEqual(idsOf(await ask('', of('security_auditor', '*'))).length, 6);
  const { seenAt: _, ...levels } = await byPolicy(of('security_admin', overdue));
  assert.equal(levels.overdue + levels.due + levels.fresh, 1);
  checkError(await ask(`?tenantId=${late}`, of('security_admin', overdue)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await ask('', of('security_operator', overdue)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await ask('', of('security_admin')), 'INSUFFICIENT_PERMISSIONS');
  for (const odd of ['?level=late', '?wrapping=late', '?cursor=x', '?limit=0', '?limit=201', '?tenantId=x'])
    checkError(await ask(odd), 'INVALID_REQUEST');
});
