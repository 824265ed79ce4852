/** What locks a table for a moment holds nobody up while it tries, whatever the transaction has locked before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn } from '../harness/session.ts';
import { makeLarge } from './large-table.ts';

const core = await rotationCore();
const { store, database } = core;

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
