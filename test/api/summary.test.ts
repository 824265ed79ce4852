import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, SummaryResponse } from '@rekey/contract';
import { keepSummary } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const path = '/api/v1/admin/summary';

const ask = (query = '', headers: Record<string, string> = bearer()): Promise<Answer> =>
  api.send({ path: `${path}${query}`, headers });
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
const dataOf = (answer: Answer): any => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(SummaryResponse, answer.json), answer.text);
  return answer.json.data;
};
/** A rotation that was started so many hours ago and stands as said; what it takes to get there is not what is tested here. */
const rotation = async (tenantId: string, hoursAgo: number, set: string): Promise<string> => {
  const id = (await api.send(rotateCall(tenantId))).json.data.rotationId;
  await pool.query(`set session_replication_role = replica;
    update rekey.rotations set started_at = now() - interval '${hoursAgo} hours', ${set} where id = '${id.slice(4)}';
    set session_replication_role = origin`);
  return id;
};
const ended = (status: string): string =>
  `status = '${status}', phase = 'done', switched_at = now(), completed_at = now()
   ${status === 'failed' ? `, failure_reason = 'OLD_KEY_UNUSABLE'` : ''}`;
const tenants = await Promise.all(Array.from({ length: 8 }, () => emptyTenant(api.database)));
const [mended = '', broken = '', held = '', holding = '', stuck = '', busy = '', calm = '', plain = ''] =
  tenants;

await rotation(mended, 5, ended('failed'));
await rotation(mended, 4, ended('completed_with_failures'));
await rotation(mended, 3, ended('completed'));
await rotation(broken, 9, ended('completed'));
const left = await rotation(broken, 8, ended('completed_with_failures'));
const failed = await rotation(broken, 7, ended('failed'));
const paused = await rotation(held, 60, `status = 'paused', heartbeat_at = now() - interval '25 hours'`);
await rotation(holding, 60, `status = 'paused', heartbeat_at = now() - interval '23 hours'`);
const waiting = await rotation(stuck, 1, `waiting_for = 'integrity', heartbeat_at = now()`);
await rotation(busy, 1, `waiting_for = 'lock', heartbeat_at = now()`);
await rotation(calm, 1, ended('cancelled'));

test('rotations are counted by status, and those that need a person are named', async () => {
  const { tenantId, rotations, needsSomebody } = dataOf(await ask());
  assert.equal(tenantId, null);
  assert.deepEqual(rotations, {
    in_progress: 2,
    paused: 2,
    completed: 2,
    completed_with_failures: 2,
    failed: 2,
    cancelled: 1,
  });
  assert.deepEqual(needsSomebody.byReason, {
    paused: 1,
    failed: 1,
    completed_with_failures: 1,
    integrity: 1,
    internal: 0,
    kek_suspended: 0,
  });
  assert.equal(needsSomebody.count, 4);
  assert.deepEqual(
    needsSomebody.rotations
      .map(({ rotationId, reason }: Record<string, string>) => [rotationId, reason])
      .sort(),
    [
      [left, 'completed_with_failures'],
      [failed, 'failed'],
      [paused, 'paused'],
      [waiting, 'integrity'],
    ].sort(),
  );
  assert.equal(needsSomebody.rotations[0].rotationId, paused, 'what has stood longest comes first');
});

test('active DEKs are counted by age, each once', async () => {
  const ages: ReadonlyArray<readonly [days: number, bound: number | null]> = [
    [0.5, 1],
    [1.5, 7],
    [29, 30],
    [31, 90],
    [31, 90],
    [400, null],
  ];
  for (const [days] of ages) {
    const { dekId } = await seededTenant(api.database);
    await pool.query(`set session_replication_role = replica;
      update rekey.deks set activated_at = now() - interval '${days * 24} hours' where id = '${dekId}';
      set session_replication_role = origin`);
  }
  const expected = [1, 7, 30, 90, 180, 365, null].map((daysBelow) => ({
    daysBelow,
    keys: ages.filter(([, bound]) => bound === daysBelow).length,
  }));
  assert.deepEqual(dataOf(await ask()).activeKeyAges, expected);
});

test('what a worker keeps is what was counted', async () => {
  const counted = dataOf(await ask());
  for (let n = 0; n < 2; n += 1) await keepSummary(pool);
  const { rows } = await pool.query('select settled_at from rekey.summary_state');
  assert.notEqual(rows[0].settled_at, null);
  assert.deepEqual(dataOf(await ask()), counted);
});

test('who is bound to a tenant sees that tenant’s, and others name one', async () => {
  const of = (role: string, tenantId?: string) =>
    bearer({ roles: [role], ...(tenantId === undefined ? {} : { tenantId }) });
  for (const answer of [await ask('', of('security_auditor', broken)), await ask(`?tenantId=${broken}`)]) {
    const { tenantId, rotations, needsSomebody, activeKeyAges } = dataOf(answer);
    assert.equal(tenantId, broken);
    assert.deepEqual([rotations.completed, rotations.failed, needsSomebody.count], [1, 1, 2]);
    assert.ok(activeKeyAges.every(({ keys }: { keys: number }) => keys === 0));
  }
  assert.equal(dataOf(await ask('', of('security_admin', plain))).needsSomebody.count, 0);
  assert.equal(dataOf(await ask('', of('security_auditor', '*'))).needsSomebody.count, 4);
  checkError(await ask(`?tenantId=${broken}`, of('security_admin', plain)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await ask('', of('security_admin')), 'INSUFFICIENT_PERMISSIONS');
  checkError(await ask('', of('security_operator', plain)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await ask('?tenantId=x'), 'INVALID_REQUEST');
});
