import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  approveDestruction,
  cancelDestruction,
  declareCompromised,
  destroyKey,
  dueDestructions,
  findDestruction,
  scheduleDestruction,
} from '@rekey/control';
import { firstSecret } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import {
  api,
  application,
  core,
  evidenceOf,
  isRefused,
  onlyMissing,
  operator,
  pastTheFence,
  person,
  pool,
  rotated,
  scheduled,
  set,
  worker,
} from './destruction-desk.ts';

test('a key of which every condition holds is destroyed with its material, and everything else opens', async () => {
  const { tenantId, ids, old } = await scheduled();
  await onlyMissing(old, {});
  const { rows: before } = await pool.query('select 1 from rekey.dek_material where dek_id = $1', [old]);
  assert.equal(before.length, 1);
  assert.ok((await dueDestructions(worker, 10)).includes(old));
  assert.ok(!(await dueDestructions(worker, 10)).includes(old), 'not again within a minute');
  assert.equal(await destroyKey(worker, old), true);
  assert.equal(await destroyKey(worker, old), false);

  const view = await findDestruction(api, old);
  assert.deepEqual([view?.state, view?.materialDeleted, view?.conditions], ['destroyed', true, []]);
  assert.equal((await pool.query('select 1 from rekey.dek_material where dek_id = $1', [old])).rowCount, 0);
  for (const id of ids)
    assert.deepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  const { rows } = await pool.query(
    `select kind, actor ->> 'id' as who from rekey.events
     where chain = $1 and payload ->> 'keyId' = $2 and kind in
       ('key.destruction_scheduled', 'key.destroyed', 'key.material_deleted', 'key.rewrapped') order by sequence`,
    [tenantId, old],
  );
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    ['key.destruction_scheduled', 'key.destroyed', 'key.material_deleted'],
  );
  assert.equal(rows[0].who, 'ada');
  assert.equal((await scheduleDestruction(api, old, person('ada'))).kind, 'refused');
  assert.equal((await cancelDestruction(api, old, person('ada'))).kind, 'refused');
});

test('a key that is in use is not even scheduled, nor one that protects records', async () => {
  const { tenantId, old } = await rotated();
  const active = await core.activeKey(tenantId);
  assert.deepEqual(await scheduleDestruction(api, active.id, person('ada')), {
    kind: 'refused',
    conditions: [
      { name: 'out_of_use', state: 'unmet' },
      { name: 'drained', state: 'unmet' },
      { name: 'no_records', state: 'unmet' },
    ],
  });
  assert.deepEqual(await scheduleDestruction(api, randomUUID(), person('ada')), { kind: 'not_found' });
  await pastTheFence(tenantId, 1);
  assert.deepEqual(await scheduleDestruction(api, old, person('ada')), {
    kind: 'refused',
    conditions: [{ name: 'no_records', state: 'unmet' }],
  });
});

test('the grace period: it can be taken back until it is over, and begins anew', async () => {
  await set('destruction_grace_seconds', 3_600);
  const { tenantId, old } = await scheduled();
  await onlyMissing(old, { grace: 'unmet' });
  await isRefused(old);
  assert.ok(!(await dueDestructions(worker, 100)).includes(old));
  assert.deepEqual(await scheduleDestruction(api, old, person('ada')), { kind: 'unchanged' });
  assert.deepEqual(await cancelDestruction(api, old, person('bob')), { kind: 'changed' });
  assert.deepEqual(await cancelDestruction(api, old, person('bob')), { kind: 'unchanged' });
  assert.equal((await findDestruction(api, old))?.request, null);
  await isRefused(old); // nobody asks for it any more
  await set('destruction_grace_seconds', 1);
  const { rows } = await pool.query(
    `select kind, actor ->> 'id' as who from rekey.events where chain = $1 and kind like 'key.destruction%' order by sequence`,
    [tenantId],
  );
  assert.deepEqual(rows, [
    { kind: 'key.destruction_scheduled', who: 'ada' },
    { kind: 'key.destruction_cancelled', who: 'bob' },
  ]);
});

test('approvals: who agreed to the destruction of a key that is then declared compromised has not agreed to that', async () => {
  await set('destruction_approvals', 1);
  const { old } = await scheduled();
  await onlyMissing(old, { approvals: 'unmet' });
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'changed' });
  await onlyMissing(old, {});
  assert.equal(await declareCompromised(api, old, person('carol')), 'deactivated');
  assert.equal((await evidenceOf(old, 'approvals'))?.given, 0);
  assert.equal(await sqlState(worker.query('select rekey.destroy_dek($1)', [old])), 'RK003');
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'changed' });
  await onlyMissing(old, {});
  assert.equal(await destroyKey(worker, old), true);
  await pool.query(`delete from rekey.settings where name = 'destruction_approvals'`);
});

test('approvals: two persons besides who asked, bound to the request and to how the conditions stand', async () => {
  await set('destruction_approvals', 2);
  const { tenantId, old } = await scheduled();
  await onlyMissing(old, { approvals: 'unmet' });
  await isRefused(old);
  const own = await approveDestruction(api, old, person('ada'));
  assert.deepEqual(own, { kind: 'refused', conditions: [{ name: 'approvals', state: 'unmet' }] });
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'changed' });
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'unchanged' });
  await isRefused(old);
  // Another realm's ada is another person.
  assert.deepEqual(await approveDestruction(api, old, person('ada', 'other')), { kind: 'changed' });
  await onlyMissing(old, {});

  // Void once one of the conditions stood otherwise: what was agreed to was another state.
  await pastTheFence(tenantId, 1);
  assert.equal((await evidenceOf(old, 'approvals'))?.given, 0);
  await pastTheFence(tenantId, 2);
  await onlyMissing(old, {});
  // After seven days,
  await pool.query(`update rekey.destruction_approvals set approved_at = approved_at - interval '7 days'`);
  await isRefused(old);
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'changed' });
  assert.deepEqual(await approveDestruction(api, old, person('ada', 'other')), { kind: 'changed' });
  // and for another request.
  await cancelDestruction(api, old, person('ada'));
  await scheduleDestruction(api, old, person('ada'));
  await onlyMissing(old, { approvals: 'unmet' });
  await isRefused(old);

  // By SQL the role of the session counts, whatever it says of itself: one, however many names it gives.
  const bySql = async (claimed: string) =>
    operator.query('select rekey.approve_destruction($1, null, $2) as came', [
      old,
      JSON.stringify(person(claimed).actor),
    ]);
  assert.deepEqual((await bySql('carol')).rows, [{ came: { kind: 'changed' } }]);
  assert.deepEqual((await bySql('dave')).rows, [{ came: { kind: 'unchanged' } }]);
  assert.equal((await evidenceOf(old, 'approvals'))?.given, 1);
  assert.deepEqual(await approveDestruction(api, old, person('bob')), { kind: 'changed' });
  await onlyMissing(old, {});
  assert.equal(await destroyKey(worker, old), true);
  await set('destruction_approvals', 1);
  await pool.query(`delete from rekey.settings where name = 'destruction_approvals'`);
});

test('what protects keys is lowered by the owner of the schema only', async () => {
  for (const name of ['destruction_grace_seconds', 'destruction_unused_seconds', 'backup_horizon_seconds']) {
    await operator.query('select rekey.change_setting($1, 100)', [name]);
    const lower = operator.query('select rekey.change_setting($1, 99)', [name]);
    assert.equal(await sqlState(lower), '42501', name);
    await set(name, 1);
  }
  for (const role of [api, worker, application])
    assert.equal(
      await sqlState(role.query(`select rekey.change_setting('destruction_grace_seconds', 1)`)),
      '42501',
    );
  assert.equal(
    await sqlState(pool.query(`select rekey.change_setting('destruction_approvals', 6)`)),
    '22023',
  );
});
