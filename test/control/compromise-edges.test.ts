/** What a call because of a compromised key must not reach: another key, another tenant's rotation, an innocent session. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, declareCompromised, endHolders, retryRotation, switchDek } from '@rekey/control';
import { Pool } from 'pg';
import { asRole } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { compromising, hold, steering } from './compromising.ts';

const core = await rotationCore();
const { store, database, pool } = core;
const { compromise, readyToSwitchCompromised } = compromising(core);

async function retry(tenantId: string, earlierId: string): Promise<string> {
  const rotationId = randomUUID();
  const call = { rotationId, earlierId, tenantId, idempotency: null, ...steering };
  assert.equal((await retryRotation(store, call)).kind, 'changed');
  return rotationId;
}

test('a key that goes out of use while it is declared is marked, and the fresh one is left alone', async (t) => {
  const tenantId = await core.createTenant();
  const { begin } = sessionsOn(database, t);
  const order = await readyToSwitch(core, tenantId);
  const { id: meant } = await core.activeKey(tenantId);
  const switching = await begin();
  await switching.query('select rekey.switch_to_dek($1, $2, $3, $4)', [
    order.rotationId,
    tenantId,
    order.previousDekId,
    order.newDekId,
  ]);
  // It saw the key in use, and waits for the rotation that is just being switched.
  const call = core.tryToStart(tenantId, { compromise: true, activeDekId: meant });
  await until(
    async () =>
      (
        await pool.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )
      ).rowCount === 1,
    { what: 'the call waits' },
  );
  await switching.query('commit');
  assert.deepEqual(await call, { kind: 'not_active' });
  assert.equal((await core.view(order.rotationId)).status, 'in_progress', 'nothing is left of the call');
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
  assert.equal(await declareCompromised(store, meant, steering), 'deactivated');
  assert.equal((await core.finish(order.rotationId)).status, 'completed');
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active']);
});

test('of a retry that is replaced, only the key in use is compromised', async () => {
  const { tenantId } = await core.tenantWith(20);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await cancelRotation(store, order.rotationId, steering);
  await retry(tenantId, order.rotationId);
  const { view, superseded } = await compromise(tenantId);
  assert.notEqual(superseded, null);
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active', '3 pre_active']);
  assert.equal((await core.finish(view.id)).status, 'completed');
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 compromised', '3 active']);
});

test('a retry of a cancelled rotation because of a compromised key is an ordinary one', async () => {
  const { tenantId } = await core.tenantWith(20);
  const order = await readyToSwitchCompromised(tenantId);
  await switchDek(store, order);
  await cancelRotation(store, order.rotationId, steering);
  const retryId = await retry(tenantId, order.rotationId);
  assert.equal((await core.view(retryId)).compromise, false);
  assert.equal((await core.finish(retryId)).status, 'completed');
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active']);
});

test('no rotation is superseded by one of another tenant, or by an ordinary one', async (t) => {
  const [tenantId, other] = [await core.createTenant(), await core.createTenant()];
  const api = new Pool({ connectionString: asRole(database.url, 'api'), max: 1 });
  t.after(() => api.end());
  const ordinary = await core.start(tenantId);
  const { view: foreign } = await compromise(other);
  const earlier = await core.startAndRotate(await core.createTenant());
  for (const [by, what] of [
    [foreign.id, 'of another tenant'],
    [earlier.id, 'an ordinary one of another tenant'],
  ] as const) {
    const state = await sqlState(
      api.query('select id from rekey.supersede_rotation($1, $2, null, now(), null)', [ordinary, by]),
    );
    assert.equal(state, 'RK005', what);
    assert.equal((await core.view(ordinary)).status, 'in_progress', what);
  }
});

test('who is ended is known by its transaction, whatever the session that met it waits for a moment later', async (t) => {
  await pool.query(`select rekey.change_setting('compromise_patience_seconds', 1)`);
  const { begin } = sessionsOn(database, t);
  const tenantId = await core.createTenant();
  const order = await readyToSwitchCompromised(tenantId);
  const [guilty, innocent] = [await begin(), await begin()];
  guilty.on('error', () => {});
  await hold(guilty, tenantId);
  await switchDek(store, order);
  // What it would answer, had the session gone on to wait for another one meanwhile.
  const pid = 'processID' in innocent ? innocent.processID : 0;
  await pool.query(`create or replace function rekey.blockers_of(waiting_pid integer)
    returns table (pid integer, gid text, application_name text, role_name text, began timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select ${pid}, null::text, null::text, null::text, null::timestamptz $$`);
  const [ended] = await until(
    async () => {
      const met = await endHolders(store, order.previousDekId ?? '', store);
      return met.length > 0 ? met : undefined;
    },
    { what: 'patience is over' },
  );
  assert.equal(ended?.pid, 'processID' in guilty ? guilty.processID : 0);
  assert.equal(await sqlState(innocent.query('commit')), undefined);
});
