import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkError } from './check-error.ts';
import { type Answer, bearer, type Call, emptyTenant, liveApi, rotateCall } from './live-api.ts';

const intervalSeconds = 3_600;
const api = await liveApi({ rotationIntervalSeconds: intervalSeconds });
const pool = api.database.pool();

const rotate = (tenantId: string, call: Call = {}): Promise<Answer> =>
  api.send(
    rotateCall(tenantId, {
      ...call,
      headers: { ...bearer({ sub: 'bob', roles: ['security_admin'], tenantId }), ...call.headers },
    }),
  );

/** Ends the tenant's rotation so long ago, as a worker would have. */
async function ended(tenantId: string, status: string, secondsAgo: number, on = pool): Promise<void> {
  await on.query(`alter table rekey.rotations disable trigger guard_rotation`);
  await on.query(
    `update rekey.rotations set status = $2, phase = 'done', completed_at = now() - make_interval(secs => $3),
       started_at = least(started_at, now() - make_interval(secs => $3 + 1)), switched_at = now(),
       failure_reason = case $2 when 'failed' then 'KEK_DENIED' end
     where tenant_id = $1 and completed_at is null`,
    [tenantId, status, secondsAgo],
  );
  await on.query(`alter table rekey.rotations enable trigger guard_rotation`);
}

test('after a completed rotation the next one waits for the interval, with 429 and the seconds left', async () => {
  const tenantId = await emptyTenant(api.database);
  assert.equal((await rotate(tenantId)).status, 200, 'the first waits for nothing');
  checkError(await rotate(tenantId), 'ROTATION_IN_PROGRESS', '409 before 429');
  await ended(tenantId, 'completed', 600);
  const early = await rotate(tenantId);
  checkError(early, 'ROTATION_TOO_SOON');
  const seconds = Number(early.headers['retry-after']);
  assert.ok(seconds > intervalSeconds - 620 && seconds <= intervalSeconds - 600, String(seconds));
  assert.equal((await rotate(await emptyTenant(api.database))).status, 200, 'each tenant for itself');

  assert.equal((await api.send(rotateCall(tenantId))).status, 200, 'a super_admin does not wait');
  checkError(await rotate(tenantId), 'ROTATION_IN_PROGRESS');
});

test('the earlier checks decide before it, and a refused call leaves nothing behind', async () => {
  const tenantId = await emptyTenant(api.database);
  const key = { 'idempotency-key': randomUUID() };
  const first = await rotate(tenantId, { headers: key });
  await ended(tenantId, 'completed', 10);
  assert.equal((await rotate(tenantId, { headers: key })).text, first.text, 'a replay');
  checkError(
    await rotate(tenantId, { headers: { ...key, ...bearer({ sub: 'bob', roles: ['viewer'] }) } }),
    'INSUFFICIENT_PERMISSIONS',
  );
  checkError(await rotate(tenantId, { raw: '{' }), 'INVALID_REQUEST');
  const admin = bearer({ sub: 'root' });
  const foreign = { 'idempotency-key': randomUUID(), ...admin };
  assert.equal((await rotate(await emptyTenant(api.database), { headers: foreign })).status, 200);
  checkError(await rotate(tenantId, { headers: foreign }), 'IDEMPOTENCY_KEY_REUSED', '422 before 429');
  const unused = { 'idempotency-key': randomUUID() };
  checkError(await rotate(tenantId, { headers: unused }), 'ROTATION_TOO_SOON');
  const { rows } = await pool.query('select from rekey.idempotency_keys where key = $1', [
    unused['idempotency-key'],
  ]);
  assert.equal(rows.length, 0, 'only 200s are kept');
});

test('it counts from the last that completed, with failures or without; not from cancelled and failed ones', async () => {
  const rows: ReadonlyArray<
    readonly [ends: ReadonlyArray<readonly [status: string, ago: number]>, status: number]
  > = [
    [[['completed', intervalSeconds + 1]], 200],
    [[['completed', intervalSeconds - 30]], 429],
    [[['completed_with_failures', 30]], 429],
    [[['cancelled', 1]], 200],
    [[['failed', 1]], 200],
    [
      [
        ['completed', intervalSeconds + 60],
        ['cancelled', 5],
      ],
      200,
    ],
    [
      [
        ['completed', 60],
        ['failed', 5],
      ],
      429,
    ],
    [
      [
        ['completed', intervalSeconds + 60],
        ['completed', 60],
      ],
      429,
    ],
  ];
  for (const [ends, status] of rows) {
    const tenantId = await emptyTenant(api.database);
    for (const [ending, ago] of ends) {
      assert.equal((await api.send(rotateCall(tenantId))).status, 200);
      await ended(tenantId, ending, ago);
    }
    assert.equal((await rotate(tenantId)).status, status, JSON.stringify(ends));
  }
});

test('of many calls at once one starts, and none slips past the interval', async () => {
  const tenantId = await emptyTenant(api.database);
  const answers = await Promise.all(Array.from({ length: 12 }, () => rotate(tenantId)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(11).fill(409)]);
  await ended(tenantId, 'completed', 1);
  const later = await Promise.all(Array.from({ length: 12 }, () => rotate(tenantId)));
  assert.deepEqual([...new Set(later.map(({ status }) => status))], [429]);
});

test('without the setting nothing waits', async () => {
  const free = await liveApi();
  const tenantId = await emptyTenant(free.database);
  const own = free.database.pool({ max: 1 });
  for (let times = 0; times < 2; times += 1) {
    const headers = bearer({ roles: ['security_admin'], tenantId });
    assert.equal((await free.send(rotateCall(tenantId, { headers }))).status, 200);
    await ended(tenantId, 'completed', 0, own);
  }
});
