/** A rotation because of a compromised key: what it replaces, what it does to the key, and whom it ends. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import {
  beginVerifying,
  cancelRotation,
  declareCompromised,
  drainOlder,
  endHolders,
  findHeldCompromised,
  limitRotation,
  pauseRotation,
  registerKek,
  type SwitchDek,
  storeMaterial,
  switchDek,
  takeUp,
} from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import { prepareSweep, rotate, sweepHere } from '@rekey/rotation';
import type { PoolClient } from 'pg';
import { Pool } from 'pg';
import { asRole } from '../harness/roles.ts';
import { firstSecret, readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, database, pool } = core;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };
const forever = new AbortController().signal;

const hold = async (on: PoolClient, tenantId: string): Promise<number | undefined> =>
  (await on.query('select key_number from rekey.hold_dek($1)', [tenantId])).rows[0]?.key_number;

const pidOf = (session: PoolClient): number => ('processID' in session ? Number(session.processID) : 0);

async function compromise(tenantId: string) {
  const started = await core.tryToStart(tenantId, { compromise: true });
  assert.equal(started.kind, 'started');
  if (started.kind !== 'started') throw new Error('not started');
  return started;
}

/** Where only the switch is missing. */
async function readyToSwitchCompromised(tenantId: string): Promise<SwitchDek> {
  const { view } = await compromise(tenantId);
  const running = await takeUp(store, view.id);
  assert.ok(running?.compromise);
  await storeMaterial(store, await makeDek(core.kek, tenantId, running.newDekId));
  const { previousDekId, newDekId } = running;
  return { rotationId: view.id, tenantId, previousDekId, newDekId };
}

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

test('the declared key has to be the active one', async () => {
  const tenantId = await core.createTenant();
  const { id } = await core.activeKey(tenantId);
  await core.startAndRotate(tenantId);
  assert.deepEqual(await core.tryToStart(tenantId, { compromise: true, activeDekId: id }), {
    kind: 'not_active',
  });
  assert.equal(await declareCompromised(store, id, steering), 'deactivated');
  assert.equal(await declareCompromised(store, id, steering), 'compromised');
  const started = await core.tryToStart(tenantId, {
    compromise: true,
    activeDekId: (await core.activeKey(tenantId)).id,
  });
  assert.ok(started.kind === 'started');
  assert.equal(await declareCompromised(store, started.view.newDekId, steering), 'pre_active');
  assert.equal(await declareCompromised(store, randomUUID(), steering), null);
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active', '3 pre_active']);
});

for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
  test(`${isolation}: from the switch on nothing is written under the compromised key, not by who holds it`, async (t) => {
    const tenantId = await core.createTenant();
    const { begin } = sessionsOn(database, t);
    const order = await readyToSwitchCompromised(tenantId);
    const [holder, late] = [await begin(isolation), await begin(isolation)];
    assert.equal(await hold(holder, tenantId), 1);
    await insertSecret(holder, tenantId, 1);
    await late.query('select 1 from rekey.tenants limit 1');
    assert.equal(await switchDek(store, order), 'draining');
    assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active']);
    const refused = isolation === 'read committed' ? 'RK001' : '40001';
    assert.equal(await sqlState(insertSecret(late, tenantId, 1)), refused);
    // The one of before the switch is in a transaction of before the switch: it may be committed, or ended.
    assert.equal(await sqlState(insertSecret(holder, tenantId, 1)), refused);
    const fresh = await begin();
    await fresh.query(`set local lock_timeout = '50ms'`);
    assert.equal(await hold(fresh, tenantId), 2);
    await insertSecret(fresh, tenantId, 2);
    await fresh.query('commit');
  });
}

test('a repeatable read that is younger than the switch writes under the new key as ever', async (t) => {
  const tenantId = await core.createTenant();
  await core.finish((await compromise(tenantId)).view.id);
  const writer = await sessionsOn(database, t).begin('repeatable read');
  assert.equal(await hold(writer, tenantId), 2);
  await insertSecret(writer, tenantId, 2);
  await writer.query('commit');
});

test('of a rotation that drains, who holds the key that it was leaving is refused from the call on', async (t) => {
  const tenantId = await core.createTenant();
  const { begin } = sessionsOn(database, t);
  const order = await readyToSwitch(core, tenantId);
  const [older, newer] = [await begin(), await begin()];
  await hold(older, tenantId);
  assert.equal(await switchDek(store, order), 'draining');
  assert.equal(await hold(newer, tenantId), 2);
  const next = await readyToSwitchCompromised(tenantId);
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active', '3 pre_active']);
  assert.equal(await sqlState(insertSecret(older, tenantId, 1)), 'RK001');
  await insertSecret(newer, tenantId, 2);
  assert.equal(await switchDek(store, next), 'draining');
  assert.equal(await sqlState(insertSecret(newer, tenantId, 2)), 'RK001');
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 compromised', '3 active']);
  assert.equal(await drainOlder(store, tenantId), true, 'both were refused, so neither holds anything');
  assert.equal((await core.finish(next.rotationId)).status, 'completed');
});

async function withPatience(t: TestContext, seconds: number): Promise<void> {
  await pool.query(`select rekey.change_setting('compromise_patience_seconds', $1)`, [seconds]);
  t.after(() => pool.query(`select rekey.change_setting('compromise_patience_seconds', 10)`));
}

test('who still holds it is ended once the patience is over, a prepared transaction is only named', async (t) => {
  const tenantId = await core.createTenant();
  const { begin } = sessionsOn(database, t);
  const order = await readyToSwitchCompromised(tenantId);
  const gid = `rekey-test-${randomUUID()}`;
  const [first, second, other] = [await begin(), await begin(), await begin()];
  for (const holder of [first, second]) {
    holder.on('error', () => {}); // it is ended
    await holder.query(`set local application_name = 'forgetful'`);
  }
  await hold(first, tenantId);
  await second.query('savepoint s');
  await hold(second, tenantId);
  await second.query('release savepoint s');
  await hold(other, await core.createTenant());
  const prepared = await pool.connect();
  t.after(() => prepared.release());
  await prepared.query('begin');
  await hold(prepared, tenantId);
  const { rows: settings } = await pool.query<{ max: number }>(
    `select current_setting('max_prepared_transactions')::int as max`,
  );
  const canPrepare = settings[0]?.max !== 0;
  await prepared.query(canPrepare ? `prepare transaction '${gid}'` : 'rollback');
  if (canPrepare) t.after(() => pool.query(`rollback prepared '${gid}'`).catch(() => {}));

  assert.equal(await switchDek(store, order), 'draining');
  const dekId = order.previousDekId ?? '';
  const held = (await findHeldCompromised(store)).find((found) => found.dekId === dekId);
  assert.equal(held?.rotationId, order.rotationId);
  assert.ok(held.patienceMs > 0);
  assert.deepEqual(await endHolders(store, dekId, store), [], 'not before');

  await withPatience(t, 1);
  const ended = new Map<string, boolean>();
  await until(
    async () => {
      for (const holder of await endHolders(store, dekId, store))
        ended.set(`${holder.pid ?? holder.gid}`, holder.ended);
      return ended.size === (canPrepare ? 3 : 2) || (await drainOlder(store, tenantId));
    },
    { what: 'everybody who holds it is met' },
  );
  assert.deepEqual(
    Object.fromEntries(ended),
    Object.fromEntries([
      [String(pidOf(first)), true],
      [String(pidOf(second)), true],
      ...(canPrepare ? [[gid, false] as const] : []),
    ]),
  );
  for (const holder of [first, second]) assert.notEqual(await sqlState(holder.query('commit')), undefined);
  assert.equal(await sqlState(other.query('commit')), undefined, 'who holds another key goes on');
  if (canPrepare) {
    assert.equal(await drainOlder(store, tenantId), false);
    await pool.query(`rollback prepared '${gid}'`);
  }
  assert.equal(await drainOlder(store, tenantId), true);
  assert.equal((await core.finish(order.rotationId)).status, 'completed');
});

test('no session is ended that does not hold a compromised key, whoever asks for it', async (t) => {
  await withPatience(t, 1);
  const { begin, waitsForLock } = sessionsOn(database, t);
  const [ordinary, compromised] = [await core.createTenant(), await core.createTenant()];
  const worker = new Pool({ connectionString: asRole(database.url, 'worker'), max: 4 });
  t.after(() => worker.end());
  const end = async (dek: string | null, pid: number): Promise<unknown[]> =>
    (await worker.query('select * from rekey.end_holders($1, $2)', [dek, pid])).rows;

  // One that drains as usual is held, and somebody waits for that.
  const drains = await readyToSwitch(core, ordinary);
  const holder = await begin();
  await hold(holder, ordinary);
  await switchDek(store, drains);
  const waiter = await begin();
  const waits = sqlState(
    waiter.query(`set local lock_timeout = 0; select rekey.wait_for_drain('${ordinary}')`),
  );
  await waitsForLock(waiter).catch(() => {});
  assert.deepEqual(await end(drains.previousDekId, pidOf(waiter)), [], 'it is not compromised');

  // A compromised one whose patience is over; the victims hold something else.
  const order = await readyToSwitchCompromised(compromised);
  const guilty = await begin();
  guilty.on('error', () => {});
  await hold(guilty, compromised);
  await switchDek(store, order);
  const dek = order.previousDekId;
  await until(
    async () =>
      (await findHeldCompromised(store)).some(({ dekId, patienceMs }) => dekId === dek && patienceMs === 0),
    { what: 'patience is over' },
  );
  assert.deepEqual(await end(dek, pidOf(waiter)), [], 'somebody who waits for another key');
  assert.deepEqual(await end(dek, pidOf(guilty)), [], 'somebody who waits for nobody');
  const victim = await begin();
  const id = await insertSecret(victim, ordinary, 2);
  await victim.query('commit');
  await victim.query('begin');
  await victim.query(`update secrets set name = 'locked' where id = $1`, [id]);
  const decoy = await begin();
  const stuck = sqlState(decoy.query(`update secrets set name = 'too' where id = $1`, [id]));
  await waitsForLock(decoy);
  assert.deepEqual(await end(dek, pidOf(decoy)), [], 'somebody who waits for a record');
  assert.deepEqual(await end(null, pidOf(decoy)), []);
  await victim.query('commit');
  assert.equal(await stuck, undefined);
  await holder.query('commit');
  await waits;

  // What may be done by whom.
  for (const role of ['api', 'application', 'operator'] as const) {
    const others = new Pool({ connectionString: asRole(database.url, role), max: 1 });
    t.after(() => others.end());
    for (const call of [
      `rekey.end_holders('${dek}', 1)`,
      `rekey.wait_for_dek('${dek}', -1)`,
      'rekey.compromised_and_held()',
      `rekey.mark_compromised('${dek}', null)`,
      `rekey.end_rotation('${order.rotationId}', 'cancelled', null, null, now(), null, null)`,
    ])
      assert.equal(await sqlState(others.query(`select ${call}`)), '42501', `${role}: ${call}`);
    if (role === 'api') continue;
    for (const call of [
      `rekey.begin_rotation('${randomUUID()}', '${ordinary}', '${randomUUID()}', '{}', '{}', true, null)`,
      `rekey.supersede_rotation('${order.rotationId}', '${randomUUID()}', null, now(), null)`,
      `rekey.declare_compromised('${dek}', null, null)`,
    ])
      assert.equal(await sqlState(others.query(`select ${call}`)), '42501', `${role}: ${call}`);
  }
  assert.equal((await endHolders(store, dek ?? '', store))[0]?.pid, pidOf(guilty));
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

test('a named KEK wraps the new key, or nothing does', async () => {
  const tenantId = await core.createTenant();
  await registerKek(pool, 'other', 'local:other');
  assert.deepEqual(await core.tryToStart(tenantId, { kek: 'nobody' }), { kind: 'kek_not_found' });
  const started = await core.tryToStart(tenantId, { kek: 'other', compromise: true });
  assert.ok(started.kind === 'started');
  const { id, newDekId } = started.view;
  await assert.rejects(core.rotateOnce(id), { code: 'NOT_HELD' });
  await assert.rejects(storeMaterial(store, await makeDek(core.kek, tenantId, newDekId)), {
    code: 'REFUSED',
  });
  await cancelRotation(store, id);

  await registerKek(pool, 'this', core.kek.id);
  const again = await core.tryToStart(tenantId, { kek: 'this', compromise: true });
  assert.ok(again.kind === 'started');
  assert.equal((await core.finish(again.view.id)).status, 'completed');
});

test('events say who declared it, by which rotation and why', async () => {
  const tenantId = await core.createTenant();
  const ordinary = await core.start(tenantId);
  const started = await core.tryToStart(tenantId, { compromise: true, reason: 'a laptop was lost' });
  assert.ok(started.kind === 'started');
  await rotate(core.env, started.view.id, forever);
  const { rows } = await pool.query(
    `select kind, rotation_id as rotation, actor ->> 'id' as who, payload from rekey.events where chain = $1
       and kind in ('rotation.requested', 'rotation.cancelled', 'key.compromised') order by sequence`,
    [tenantId],
  );
  const [, cancelled, requested, compromised] = rows;
  assert.equal(rows.length, 4);
  assert.deepEqual(
    [cancelled?.kind, cancelled?.rotation, cancelled?.who, cancelled?.payload.supersededBy],
    ['rotation.cancelled', ordinary, 'ada', started.view.id],
  );
  assert.deepEqual(
    [requested?.kind, requested?.rotation, requested?.payload.compromise, requested?.payload.reason],
    ['rotation.requested', started.view.id, true, 'a laptop was lost'],
  );
  assert.deepEqual(
    [compromised?.kind, compromised?.rotation, compromised?.payload.keyNumber, compromised?.payload.from],
    ['key.compromised', started.view.id, 1, 'deactivated'],
  );
});
