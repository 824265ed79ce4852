import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '@rekey/schema';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store } = core;

test('guards of our own tables, functions that were changed, and sessions past all triggers are named', async () => {
  const codes = async (): Promise<string[]> =>
    (
      await store.query<{ code: string }>('select distinct code from rekey.integrity_problems() order by 1')
    ).rows.map(({ code }) => code);
  // Every one that there is, whatever is added later.
  const { rows: guards } = await store.query<{ table: string; trigger: string }>(
    `select c.relname as table, t.tgname as trigger from pg_trigger t join pg_class c on c.oid = t.tgrelid
     where c.relnamespace = 'rekey'::regnamespace and not t.tgisinternal and t.tgname ~ '^(guard|record)_' order by 1, 2`,
  );
  assert.ok(guards.length >= 60);
  const client = await core.pool.connect();
  try {
    for (const [n, { table, trigger }] of guards.entries()) {
      const gone =
        n % 2 === 0
          ? `alter table rekey.${table} disable trigger ${trigger}`
          : `drop trigger ${trigger} on rekey.${table}`;
      await client.query(`begin; ${gone}`);
      const { rows } = await client.query('select code, problem from rekey.integrity_problems()');
      await client.query('rollback');
      assert.deepEqual(
        rows.map(({ code, problem }) => [code, problem.split(': ').at(-1)]),
        [['GUARD', `${trigger} of ${table}.`]],
      );
    }
  } finally {
    client.release();
  }
  for (const change of [
    `create or replace function rekey.guard_proof() returns trigger language plpgsql as 'begin return new; end'`,
    'alter function rekey.hold_dek(uuid) security invoker',
    'alter function rekey.drain_older(uuid, boolean) reset search_path',
    'drop function rekey.wait_for_drain(uuid)',
  ]) {
    await store.query(change);
    assert.deepEqual(await codes(), ['FUNCTION'], change);
    await migrate(core.database.url);
    assert.deepEqual(await codes(), [], 'the migrator puts it right');
  }
  await store.query(
    `do $$ begin execute format('alter database %I set session_replication_role = replica', current_database()); end $$`,
  );
  assert.deepEqual(await codes(), ['REPLICA_ROLE']);
  await store.query(
    `do $$ begin execute format('alter database %I reset session_replication_role', current_database()); end $$`,
  );
  assert.deepEqual(await codes(), []);
});
