/** Of a table that is too large to be looked through while it is locked: its repair, and its end as a target. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { makeLarge, startLoad } from './large-table.ts';

const core = await rotationCore();
const { store, database } = core;
const rows = Number(process.env.REGISTER_ROWS ?? 200_000);
const largeRows = 80_000;

const repair = (name: string): Promise<unknown> => store.query('select rekey.repair_target($1)', [name]);
const finish = (name: string): Promise<unknown> =>
  store.query('select rekey.finish_registration($1)', [name]);
const unregister = (name: string): Promise<unknown> =>
  store.query('select rekey.unregister_target($1)', [name]);
const codes = async (): Promise<string[]> =>
  (await store.query<{ code: string }>('select code from rekey.integrity_problems()')).rows.map(
    ({ code }) => code,
  );

/** A registered table of so many rows, which are sealed records or will be none. */
async function registered(name: string, count: number, tenants: readonly string[]): Promise<void> {
  await makeLarge(store, name, tenants, count);
  await store.query(`select rekey.register_target($1::text, 'secrets', $1::text::regclass)`, [name]);
  await finish(name);
}

async function tenantsOf(count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => core.createTenant()));
}

/** Tenants whose kept count is another than that of their records. */
async function miscounted(name: string): Promise<unknown[]> {
  const found = await store.query(
    `select x.id, kept.records, there.records as there
     from rekey.tenants x, rekey.kept_count(x.id, $1) kept,
       lateral (select count(*) as records from ${name} t where t.tenant_id = x.id and t.key_number is not null) there
     where kept.records <> there.records`,
    [name],
  );
  return found.rows;
}

const empty = (name: string): Promise<unknown> =>
  store.query(`update ${name} set key_number = null, ciphertext = null`);

const leftOver = async (name: string): Promise<unknown[]> =>
  (
    await store.query(
      `select tgname as left from pg_trigger where tgrelid = '${name}'::regclass
       union all select conname from pg_constraint where conrelid = '${name}'::regclass and contype = 'c'
       union all select proname from pg_proc where proname like '%\\_${name}'
       union all select target from rekey.record_deltas where target = '${name}'
       union all select target from rekey.record_counts where target = '${name}'`,
    )
  ).rows;

test(`nobody waits while a table of ${rows} rows is repaired, and its records are counted right`, async (t) => {
  const tenants = await tenantsOf(20);
  await registered('mended', rows, tenants);
  // Written past its triggers meanwhile.
  await store.query('alter table mended disable trigger user');
  await store.query('delete from mended where id in (select id from mended limit 100)');
  assert.deepEqual(await codes(), ['TRIGGER']);
  const load = startLoad(database, t, 'mended', tenants);
  await load.forMs(500);
  // A long transaction of the application's: the repair waits for it, and nobody for the repair.
  const long = await sessionsOn(database, t).begin();
  await long.query(`insert into mended values (gen_random_uuid(), $1, 1, '\\x0100000001')`, [tenants[0]]);
  const repairing = repair('mended');
  await load.forMs(1_500);
  await long.query('commit');
  await repairing;
  // Fenced and counted from now on, and in doubt until what was there before is looked through.
  assert.deepEqual(await codes(), ['LABEL']);
  await finish('mended');
  await load.forMs(500);
  const { operations, longestMs, longestWaitMs, failures } = await load.stop();
  t.diagnostic(
    `${operations} operations, the longest ${Math.round(longestMs)} ms, the longest wait for a lock ${Math.round(longestWaitMs)} ms`,
  );
  assert.deepEqual(failures, []);
  assert.ok(longestWaitMs < 250, `somebody waited for ${longestWaitMs} ms`);
  assert.deepEqual(await miscounted('mended'), []);
  assert.deepEqual(await codes(), []);
  await finish('mended'); // nothing is left to do
});

test('between the halves of a repair no rotation switches, and afterwards it goes on', async () => {
  const [tenantId = ''] = await tenantsOf(1);
  await store.query(`create table halved (id uuid primary key, tenant_id uuid not null, key_number integer, ciphertext bytea, note text);
    create index on halved (tenant_id, id)`);
  await store.query(`select rekey.register_target('halved', 'secrets', 'halved')`);
  // Large by what belongs to nobody.
  await store.query(
    `insert into halved select gen_random_uuid(), $1, null, null, repeat(md5(n::text), 5) from generate_series(1, $2) n`,
    [tenantId, largeRows],
  );
  const rotationId = await core.start(tenantId);
  await repair('halved');
  assert.deepEqual(await codes(), ['LABEL']);
  await assert.rejects(core.rotateOnce(rotationId));
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
  await finish('halved');
  assert.equal((await core.finish(rotationId)).status, 'completed');
});

test('a row whose label is wrong keeps a repair from being finished, until it is gone', async () => {
  const tenants = await tenantsOf(2);
  await registered('mislabelled', largeRows, tenants);
  await store.query(
    'alter table mislabelled disable trigger user; alter table mislabelled drop constraint rekey_label_mislabelled',
  );
  const id = '00000000-0000-4000-8000-000000000009';
  await store.query(`insert into mislabelled values ($1, $2, 1, '\\x0100000009')`, [id, tenants[0]]);
  await repair('mislabelled');
  assert.equal(await sqlState(finish('mislabelled')), '23514');
  assert.deepEqual(await codes(), ['LABEL']);
  await store.query('delete from mislabelled where id = $1', [id]);
  await finish('mislabelled');
  assert.deepEqual(await codes(), []);
  assert.deepEqual(await miscounted('mislabelled'), []);
});

test(`nobody waits while a table of ${rows} rows is unregistered, or its end is refused`, async (t) => {
  const tenants = await tenantsOf(20);
  await registered('ended', rows, tenants);
  const refused = startLoad(database, t, 'ended', tenants);
  await refused.forMs(300);
  assert.equal(await sqlState(unregister('ended')), 'RK003');
  await refused.forMs(300);
  const before = await refused.stop();
  await empty('ended');
  const load = startLoad(database, t, 'ended', tenants, null);
  await load.forMs(300);
  const long = await sessionsOn(database, t).begin();
  await long.query('insert into ended values (gen_random_uuid(), $1, null, null)', [tenants[0]]);
  const ending = unregister('ended');
  await load.forMs(1_500);
  await long.query('commit');
  await ending;
  await load.forMs(300);
  const after = await load.stop();
  for (const { failures, longestWaitMs, longestMs, operations } of [before, after]) {
    t.diagnostic(
      `${operations} operations, the longest ${Math.round(longestMs)} ms, the longest wait for a lock ${Math.round(longestWaitMs)} ms`,
    );
    assert.deepEqual(failures, []);
    assert.ok(longestWaitMs < 250, `somebody waited for ${longestWaitMs} ms`);
  }
  assert.deepEqual(await leftOver('ended'), []);
});

test('a record that is committed after the table was looked through keeps it a target', async (t) => {
  const tenants = await tenantsOf(2);
  await registered('slipping', largeRows, tenants);
  await empty('slipping');
  const writer = await sessionsOn(database, t).begin();
  const id = '00000000-0000-4000-8000-000000000002';
  await writer.query(`insert into slipping values ($1, $2, 1, '\\x0100000001')`, [id, tenants[0]]);
  const ending = sqlState(unregister('slipping'));
  const asks = `select from pg_locks where relation = 'slipping'::regclass and not granted`;
  await until(async () => (await store.query(asks)).rowCount === 1, {
    what: 'it asks for the lock',
    everyMs: 5,
  });
  await writer.query('commit');
  assert.equal(await ending, 'RK003');
  await store.query('delete from slipping where id = $1', [id]);
  await unregister('slipping');
  assert.deepEqual(await leftOver('slipping'), []);
});

test('where counts cannot be relied on, a large table is looked through all the same', async () => {
  const tenants = await tenantsOf(2);
  await registered('doubtful', largeRows, tenants);
  await empty('doubtful');
  await store.query('alter table doubtful disable trigger user');
  const id = '00000000-0000-4000-8000-000000000003';
  await store.query(`insert into doubtful values ($1, $2, 1, '\\x0100000001')`, [id, tenants[0]]);
  assert.equal(await sqlState(unregister('doubtful')), 'RK003');
  await store.query('delete from doubtful where id = $1', [id]);
  await unregister('doubtful');
  assert.deepEqual(await leftOver('doubtful'), []);
});

test('a transaction with a snapshot of its own neither repairs nor unregisters', async (t) => {
  await registered('snapped', 1, await tenantsOf(1));
  for (const name of ['repair_target', 'unregister_target']) {
    const session = await sessionsOn(database, t).begin('repeatable read');
    assert.equal(await sqlState(session.query(`select rekey.${name}('snapped')`)), '0A000');
    await session.query('rollback');
  }
});
