import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, switchDek } from '@rekey/control';
import { planRanges } from '@rekey/rotation';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;

async function withFailure(): Promise<string> {
  const { tenantId } = await core.tenantWith(2);
  await insertSecret(store, tenantId, 1);
  const view = await core.startAndRotate(tenantId);
  assert.equal(view.status, 'completed_with_failures');
  return view.id;
}

async function cancelled(): Promise<string> {
  const { tenantId } = await core.tenantWith(2);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(core.env, { ...order, newKeyNumber: 2 });
  await store.query(
    `insert into rekey.rotation_failures (rotation_id, target, record_id, reason) values ($1, 'secrets', 'x', 'MALFORMED')`,
    [order.rotationId],
  );
  assert.equal((await cancelRotation(store, order.rotationId)).kind, 'changed');
  return order.rotationId;
}

const changes = {
  'a range planned': `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned) values ($1, 'secrets', 9, 0)`,
  'a count changed': 'update rekey.rotation_ranges set rotated = rotated + 1 where rotation_id = $1',
  'a bound changed': `update rekey.rotation_ranges set upper_id = 'x' where rotation_id = $1`,
  'a range claimed': 'update rekey.rotation_ranges set owner = gen_random_uuid() where rotation_id = $1',
  'a range opened again': 'update rekey.rotation_ranges set proved_at = null where rotation_id = $1',
  'another target named': `update rekey.rotation_ranges set target = 'api_keys', ordinal = 7 where rotation_id = $1 and target = 'secrets'`,
  'a range deleted': 'delete from rekey.rotation_ranges where rotation_id = $1',
  'a failure added': `insert into rekey.rotation_failures (rotation_id, target, record_id, reason) values ($1, 'secrets', 'y', 'X')`,
  'a failure changed': `update rekey.rotation_failures set reason = 'X' where rotation_id = $1`,
  'a failure deleted': 'delete from rekey.rotation_failures where rotation_id = $1',
};

for (const [how, finished] of Object.entries({ completed: withFailure, cancelled })) {
  test(`of a rotation that is ${how} neither ranges nor failures change`, async () => {
    const rotationId = await finished();
    const state = `select (select jsonb_agg(g order by target, ordinal) from rekey.rotation_ranges g where rotation_id = $1) as ranges,
      (select jsonb_agg(f) from rekey.rotation_failures f where rotation_id = $1) as failures`;
    const before = (await store.query(state, [rotationId])).rows;
    for (const [what, sql] of Object.entries(changes)) {
      assert.equal(await sqlState(store.query(sql, [rotationId])), 'RK005', what);
    }
    assert.deepEqual((await store.query(state, [rotationId])).rows, before);
  });
}

test('ranges and failures are not truncated', async () => {
  for (const table of ['rotation_ranges', 'rotation_failures']) {
    assert.equal(await sqlState(store.query(`truncate rekey.${table}`)), 'RK005');
  }
});

test('a rotation begins at its beginning, and what it is about stays', async () => {
  const tenantId = await core.createTenant();
  const insert = (columns: string, values: string): Promise<string | undefined> =>
    sqlState(
      store.query(
        `insert into rekey.rotations (id, tenant_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion, ${columns})
         select gen_random_uuid(), $1, gen_random_uuid(), '{}', '{}', now(), ${values}`,
        [tenantId],
      ),
    );
  for (const [columns, values] of [
    ['status, phase, completed_at, switched_at', `'completed', 'done', now(), now()`],
    ['status, phase, completed_at', `'cancelled', 'done', now()`],
    ['status', `'paused'`],
    ['phase', `'activating'`],
    ['phase, switched_at', `'sweeping', now()`],
    ['drained_at', 'now()'],
  ] as const) {
    assert.equal(await insert(columns, values), 'RK005', columns);
  }
  const rotationId = await core.start(tenantId);
  for (const change of [
    `new_dek_id = '${randomUUID()}'`,
    `tenant_id = '${await core.createTenant()}'`,
    `id = '${randomUUID()}'`,
    `items_to_rotate = '{}'`,
  ]) {
    const update = store.query(`update rekey.rotations set ${change} where id = $1`, [rotationId]);
    assert.equal(await sqlState(update), 'RK005', change);
  }
});
