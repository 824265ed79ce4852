/** Whom a rotation because of a compromised key ends, and whom never. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { drainOlder, endHolders, findHeldCompromised, switchDek } from '@rekey/control';
import { Pool, type PoolClient } from 'pg';
import { asRole } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { compromising, hold } from './compromising.ts';

const core = await rotationCore();
const { store, database, pool } = core;
const { readyToSwitchCompromised } = compromising(core);

const pidOf = (session: PoolClient): number => ('processID' in session ? Number(session.processID) : 0);

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
  // A look that comes to nothing in its 200 ms is repeated, as a worker does it.
  let [ended] = await endHolders(store, dek ?? '', store);
  await until(
    async () => {
      ended ??= (await endHolders(store, dek ?? '', store))[0];
      return ended !== undefined;
    },
    { what: 'the one that holds it is ended' },
  );
  assert.equal(ended?.pid, pidOf(guilty));
});
