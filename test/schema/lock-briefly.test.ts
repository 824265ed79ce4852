/** What locks a table for a moment holds nobody up while it tries, whatever the transaction has locked before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readyToSwitch, rotationCore, switchPatiently } from '../harness/rotation.ts';
import { sessionsOn } from '../harness/session.ts';
import { makeLarge } from './large-table.ts';

const core = await rotationCore();
const { store, pool, database } = core;

const calls = {
  'registering a table': (table: string) => `select rekey.register_target('${table}', 'secrets', '${table}')`,
  'repairing a target': () => `select rekey.repair_target('secrets')`,
  'unregistering a target': () => `select rekey.unregister_target('credentials')`,
};
const tableOf: Record<keyof typeof calls, string> = {
  'registering a table': 'not_yet',
  'repairing a target': 'secrets',
  'unregistering a target': 'credentials',
};
await makeLarge(store, 'not_yet', [await core.createTenant()], 10);

const before = {
  'it against writers, as a reindex does,': (table: string) => `lock table ${table} in share mode`,
  'it for writing': (table: string) => `lock table ${table} in row exclusive mode`,
  'another table against everybody': () => 'lock table api_keys in access exclusive mode',
};

for (const [what, call] of Object.entries(calls)) {
  for (const [held, lock] of Object.entries(before)) {
    test(`${what} in a transaction that has locked ${held} gives up once somebody waits for that`, async (t) => {
      const table = tableOf[what as keyof typeof calls];
      const { begin, waitsForLock } = sessionsOn(database, t);
      const [operator, writer] = [await begin(), await begin()];
      await writer.query(`select count(*) from ${table}`); // and does not let go of it before its end
      await operator.query(lock(table));
      // Whoever waits for the operator; at the same time the operator waits for it.
      const waiting = writer.query(
        held.startsWith('another')
          ? 'select count(*) from api_keys'
          : `lock table ${table} in ${held === 'it for writing' ? 'share' : 'row exclusive'} mode`,
      );
      await waitsForLock(writer);
      const began = performance.now();
      await assert.rejects(operator.query(call(table)), {
        code: '55P03',
        hint: 'Call it in a transaction of its own.',
      });
      // Its patience is ten minutes.
      assert.ok(performance.now() - began < 60_000);
      await operator.query('rollback');
      await waiting;
    });
  }
}

test('who only waits, and whom nobody waits for, goes on waiting', async (t) => {
  const { begin, waitsForLock } = sessionsOn(database, t);
  const [operator, long] = [await begin(), await begin()];
  await long.query('select count(*) from secrets');
  const repairing = operator.query(calls['repairing a target']());
  for (let n = 0; n < 3; n += 1) await waitsForLock(operator);
  // Nobody who comes waits for longer than the moment that it tries.
  await store.query('select count(*) from secrets');
  await long.query('commit');
  await repairing;
});

test('who repairs a target waits for whoever holds one of its ranges with the table free', async (t) => {
  const { tenantId } = await core.tenantWith(3);
  const order = await readyToSwitch(core, tenantId);
  const { rotationId } = order;
  await switchPatiently(store, order);
  const { begin } = sessionsOn(database, t);
  const [operator, holder] = [await begin(), await begin()];
  await store.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned) values ($1, 'secrets', 0, 3)`,
    [rotationId],
  );
  await holder.query(`select from rekey.rotation_ranges where rotation_id = '${rotationId}' for update`);
  let isRepaired = false;
  const repairing = operator.query(calls['repairing a target']()).then(() => {
    isRepaired = true;
  });
  // In moments between its tries, and with more patience than one that waits for it would need.
  for (let n = 0; n < 5; n += 1) {
    await pool.query(`begin; set local lock_timeout = '5s'; select count(*) from secrets; commit`);
    await sleep(400);
  }
  assert.equal(isRepaired, false);
  await holder.query('commit');
  await repairing;
});
