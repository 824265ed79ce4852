/** A rotation because of a compromised key: what it replaces, and what is left of that. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { beginVerifying, limitRotation, pauseRotation, switchDek } from '@rekey/control';
import { prepareSweep, sweepHere } from '@rekey/rotation';
import { Pool } from 'pg';
import { asRole } from '../harness/roles.ts';
import { firstSecret, readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { compromising, forever, steering } from './compromising.ts';

const core = await rotationCore();
const { store, database, pool } = core;
const { compromise, readyToSwitchCompromised } = compromising(core);

/** A rotation at each point at which a worker may have died, and the number of DEKs that are in use there. */
const points = {
  queued: async (tenantId: string) => core.start(tenantId),
  'with material': async (tenantId: string) => (await readyToSwitch(core, tenantId)).rotationId,
  switched: async (tenantId: string) => {
    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    return order.rotationId;
  },
  sweeping: async (tenantId: string) => {
    const rotationId = await core.start(tenantId);
    const prepared = await prepareSweep(core.env, rotationId, forever);
    assert.ok(prepared !== null && prepared.ranges.length > 0);
    return rotationId;
  },
  verifying: async (tenantId: string) => {
    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    // All is swept and proved, and whoever did it died before it said that it is over.
    const prepared = await prepareSweep(core.env, order.rotationId, forever);
    assert.ok(prepared !== null);
    await sweepHere(core.env, prepared, forever);
    assert.equal(await beginVerifying(store, order.rotationId), true);
    return order.rotationId;
  },
} as const;

for (const [point, reach] of Object.entries(points)) {
  for (const isPaused of [false, true]) {
    test(`an ordinary rotation that is ${point}${isPaused ? ' and paused' : ''} is replaced in one transaction`, async () => {
      const { tenantId, ids } = await core.tenantWith(30);
      const rotationId = await reach(tenantId);
      if (isPaused) assert.equal((await pauseRotation(store, rotationId, steering)).kind, 'changed');
      const before = await core.view(rotationId);
      const isSwitched = before.switchedAt !== null;

      const { view, superseded } = await compromise(tenantId);
      assert.equal(superseded?.view.id, rotationId);
      const { rows: made } = await pool.query(
        'select id, status, superseded_by, xmin::text from rekey.rotations where tenant_id = $1 order by started_at, id',
        [tenantId],
      );
      assert.deepEqual(
        made.map(({ id, status, superseded_by }) => [id, status, superseded_by]).sort(),
        [
          [rotationId, 'cancelled', view.id],
          [view.id, 'in_progress', null],
        ].sort(),
      );
      assert.equal(new Set(made.map(({ xmin }) => xmin)).size, 1, 'by one transaction');

      // A worker that was frozen all the time comes back to the one that was replaced.
      assert.equal(await core.rotateOnce(rotationId), 'lost');
      const { previousDekId, newDekId } = before;
      assert.equal(await switchDek(store, { rotationId, tenantId, previousDekId, newDekId }), 'not_ours');

      const done = await core.finish(view.id);
      assert.deepEqual([done.status, done.compromise], ['completed', true]);
      assert.deepEqual(
        await core.deks(tenantId),
        isSwitched
          ? ['1 compromised', '2 compromised', '3 active']
          : ['1 compromised', '2 destroyed', '3 active'],
      );
      for (const id of ids)
        assert.deepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
      const { rows: left } = await pool.query(
        'select count(*)::int as left from secrets where tenant_id = $1 and key_number <> 3',
        [tenantId],
      );
      assert.equal(left[0]?.left, 0);
    });
  }
}

test('whatever a worker had done of it when it died, the next one ends it, and nothing is left under the compromised key', async () => {
  for (const died of [
    'before it was taken up',
    'with material',
    'behind its switch',
    'in its sweep',
  ] as const) {
    const { tenantId, ids } = await core.tenantWith(20);
    let rotationId: string;
    if (died === 'before it was taken up') rotationId = (await compromise(tenantId)).view.id;
    else {
      const order = await readyToSwitchCompromised(tenantId);
      rotationId = order.rotationId;
      if (died !== 'with material') await switchDek(store, order);
      if (died === 'in its sweep') assert.ok(await prepareSweep(core.env, rotationId, forever));
    }
    assert.equal((await core.finish(rotationId)).status, 'completed', died);
    assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active'], died);
    for (const id of ids)
      assert.deepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  }
});

test('only a rotation because of a compromised key is in the way of another one; an ordinary one replaces none', async () => {
  const tenantId = await core.createTenant();
  const { view } = await compromise(tenantId);
  for (const call of [{ compromise: true }, {}, { intervalSeconds: 60 }])
    assert.deepEqual(await core.tryToStart(tenantId, call), { kind: 'in_progress', rotationId: view.id });
  assert.deepEqual(await pauseRotation(store, view.id, steering), { kind: 'not_held_back' });
  const limit = { itemsPerSecondMax: 5, mayRaise: true, ...steering };
  assert.deepEqual(await limitRotation(store, view.id, limit), { kind: 'not_held_back' });
  for (const change of [
    `status = 'paused'`,
    'items_per_second_max = 1',
    `compromise = false`,
    `superseded_by = id`,
    `superseded_by = gen_random_uuid()`,
  ])
    assert.equal(
      await sqlState(pool.query(`update rekey.rotations set ${change} where id = $1`, [view.id])),
      'RK005',
      change,
    );
  assert.equal((await core.finish(view.id)).status, 'completed');
  // Neither does it wait for the interval after the one before it.
  assert.equal((await core.tryToStart(tenantId, { intervalSeconds: 3_600 })).kind, 'too_soon');
  const again = await core.tryToStart(tenantId, { compromise: true });
  assert.equal(again.kind, 'started');
});

test('of many calls at once for a running rotation one replaces it, and the others are told which', async () => {
  const tenantId = await core.createTenant();
  const ordinary = await core.start(tenantId);
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => core.tryToStart(tenantId, { compromise: true })),
  );
  const [started] = outcomes.filter(({ kind }) => kind === 'started');
  assert.ok(started?.kind === 'started' && started.superseded?.view.id === ordinary);
  const others = outcomes.filter((outcome) => outcome !== started);
  assert.equal(others.length, 7);
  for (const other of others) assert.deepEqual(other, { kind: 'in_progress', rotationId: started.view.id });
});

test('a rotation is not superseded by one that does not begin with it, nor one because of a compromised key by any', async (t) => {
  const [tenantId, other] = [await core.createTenant(), await core.createTenant()];
  const api = new Pool({ connectionString: asRole(database.url, 'api'), max: 1 });
  t.after(() => api.end());
  const supersede = (rotationId: string) =>
    api.query('select id from rekey.supersede_rotation($1, $2, null, now(), null)', [
      rotationId,
      randomUUID(),
    ]);
  const ordinary = await core.start(tenantId);
  assert.equal(await sqlState(supersede(ordinary)), '23503', 'at its commit');
  assert.equal((await core.view(ordinary)).status, 'in_progress');
  const { view } = await compromise(other);
  assert.deepEqual((await supersede(view.id)).rows, []);
  assert.equal((await core.view(view.id)).status, 'in_progress');
});
