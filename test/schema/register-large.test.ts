/**
 * A table that is too large to be looked through while it is locked. With REGISTER_ROWS=2000000 at that size, on a machine
 * that has nothing else to do; then what an operation took from end to end is judged too, and not its waits for locks alone.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { loadTargets } from '@rekey/data';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { makeLarge, startLoad } from './large-table.ts';

const core = await rotationCore();
const { store, vault, database } = core;
const rows = Number(process.env.REGISTER_ROWS ?? 200_000);

/** Beyond the size up to which a registration looks through the table at once. */
const largeRows = 80_000;

async function large(name: string): Promise<string[]> {
  const tenants = [await core.createTenant(), await core.createTenant()];
  await makeLarge(store, name, tenants, largeRows);
  return tenants;
}

const register = (name: string): Promise<unknown> =>
  store.query(`select rekey.register_target($1::text, 'secrets', $1::text::regclass)`, [name]);
const finish = (name: string): Promise<unknown> =>
  store.query('select rekey.finish_registration($1)', [name]);

const isKnown = async (name: string): Promise<boolean> =>
  (await loadTargets(store)).some((target) => target.name === name);

/** Tenants whose kept count is another than that of their records. */
async function miscounted(name: string): Promise<unknown[]> {
  const { rows: found } = await store.query(
    `select x.id, kept.records, there.records as there
     from rekey.tenants x, rekey.kept_count(x.id, $1) kept,
       lateral (select count(*) as records from ${name} t where t.tenant_id = x.id and t.key_number is not null) there
     where kept.records <> there.records`,
    [name],
  );
  return found;
}

const events = async (name: string): Promise<string[]> =>
  (
    await store.query(`select kind from rekey.events where payload ->> 'target' = $1 order by sequence`, [
      name,
    ])
  ).rows.map(({ kind }) => kind);

test(`nobody waits while a table of ${rows} rows is registered, and its records are counted right`, async (t) => {
  const tenants = await Promise.all(Array.from({ length: 20 }, () => core.createTenant()));
  await makeLarge(store, 'busy', tenants, rows);
  const load = startLoad(database, t, 'busy', tenants);
  await load.forMs(500);
  // A long transaction of the application's: the registration waits for it, and nobody for the registration.
  const long = await sessionsOn(database, t).begin();
  await long.query(`insert into busy values (gen_random_uuid(), $1, 1, '\\x0100000001')`, [tenants[0]]);
  const began = performance.now();
  const registering = register('busy');
  await load.forMs(1_500);
  await long.query('commit');
  await registering;
  const fencedMs = performance.now() - began;
  await finish('busy');
  const knownMs = performance.now() - began;
  await load.forMs(500);
  const { operations, longestMs, longestWaitMs, failures } = await load.stop();
  t.diagnostic(
    `${rows} rows: fenced after ${Math.round(fencedMs)} ms (1,500 of them a transaction of the application's), known after ${Math.round(knownMs)} ms; ` +
      `${operations} operations, the longest ${Math.round(longestMs)} ms, the longest wait for a lock ${Math.round(longestWaitMs)} ms`,
  );
  assert.deepEqual(failures, []);
  assert.ok(longestWaitMs < 250, `somebody waited for ${longestWaitMs} ms`);
  if (process.env.REGISTER_ROWS !== undefined) assert.ok(longestMs < 250, `somebody took ${longestMs} ms`);
  assert.deepEqual(await miscounted('busy'), []);
  assert.deepEqual((await store.query('select * from rekey.integrity_problems()')).rows, []);
});

test('where triggers went between the halves, the second refuses with the table free, and the first puts them up again', async (t) => {
  await large('dropped');
  await register('dropped');
  await store.query('drop trigger rekey_count_insert_dropped on dropped');
  const hint = 'Call rekey.register_target again, with the same arguments.';
  const operator = await sessionsOn(database, t).begin();
  await operator.query('savepoint before');
  await assert.rejects(operator.query(`select rekey.finish_registration('dropped')`), { hint });
  await operator.query('rollback to savepoint before');
  const { rows } = await store.query(
    `select from pg_locks where relation = 'dropped'::regclass and mode not in ('AccessShareLock', 'RowExclusiveLock')`,
  );
  assert.deepEqual(rows, []);
  await operator.query('rollback');
  await register('dropped');
  await finish('dropped');
  assert.deepEqual(await miscounted('dropped'), []);
  assert.deepEqual((await store.query('select * from rekey.integrity_problems()')).rows, []);
});

test('until its registration is finished a table is fenced, and nobody takes it for registered', async () => {
  const [tenantId = ''] = await large('halfway');
  await register('halfway');
  assert.equal(await isKnown('halfway'), false);
  assert.deepEqual(await events('halfway'), []);
  const insert = (number: number): Promise<unknown> =>
    store.query(
      `insert into halfway values (gen_random_uuid(), $1, $2::int, '\\x01'::bytea || int4send($2))`,
      [tenantId, number],
    );
  assert.equal(await sqlState(insert(7)), 'RK001');
  await insert(1);
  await store.query('delete from halfway where id in (select id from halfway limit 10)');

  const view = await core.startAndRotate(tenantId);
  assert.deepEqual([view.status, view.itemsToRotate.secrets], ['completed', 0]);
  const { rows: old } = await store.query(
    `select id from rekey.deks where tenant_id = $1 and state = 'deactivated'`,
    [tenantId],
  );
  assert.equal(await sqlState(store.query('select rekey.destroy_dek($1)', [old[0]?.id])), 'RK003');

  await register('halfway'); // what has begun may begin again
  await finish('halfway');
  await finish('halfway');
  assert.equal(await isKnown('halfway'), true);
  assert.deepEqual(await events('halfway'), ['target.registered']);
  assert.deepEqual(await miscounted('halfway'), []);
  const id = '00000000-0000-4000-8000-000000000001';
  await vault.put({ target: 'halfway', tenantId, id, value: Buffer.from('x') });
  assert.equal((await vault.get({ target: 'halfway', tenantId, id }))?.toString(), 'x');
});

test('a registration that dies anywhere is run again', async (t) => {
  await large('dying');
  const { begin } = sessionsOn(database, t);
  const dies = async (statement: string, holder: string): Promise<void> => {
    const blocker = await begin();
    await blocker.query(holder);
    const pool = database.pool({ max: 1, application_name: 'dies' });
    const died = sqlState(pool.query(statement));
    await until(
      async () =>
        (
          await store.query(
            `select pg_terminate_backend(a.pid) from pg_stat_activity a
             where a.application_name = 'dies' and a.query = $1 and a.wait_event_type in ('Lock', 'Timeout')`,
            [statement],
          )
        ).rowCount === 1,
      { what: 'it is in its midst' },
    );
    assert.equal(await died, '57P01');
    await blocker.query('rollback');
  };
  // While it asks for its moment, and while it has yet to compare.
  await dies(
    `select rekey.register_target('dying', 'secrets', 'dying')`,
    'lock table dying in row exclusive mode',
  );
  assert.equal((await store.query(`select from rekey.targets where name = 'dying'`)).rowCount, 0);
  await register('dying');
  await dies(`select rekey.finish_registration('dying')`, 'lock table dying in share update exclusive mode');
  assert.equal(await isKnown('dying'), false);
  await finish('dying');
  assert.equal(await isKnown('dying'), true);
  assert.deepEqual(await miscounted('dying'), []);
  assert.deepEqual(await events('dying'), ['target.registered']);
});

test('a registration that is not finished is taken back without a trace', async () => {
  await large('undone');
  await register('undone');
  await store.query('delete from undone where id in (select id from undone limit 10)');
  const others = store.query(
    `select rekey.register_target('undone', 'apiKeys', 'undone')`, // not as what it began
  );
  await assert.rejects(others, /has begun and is not finished/);
  await store.query(`select rekey.unregister_target('undone')`);
  const { rows: left } = await store.query(`
    select tgname from pg_trigger where tgrelid = 'undone'::regclass
    union all select conname from pg_constraint where conrelid = 'undone'::regclass and contype = 'c'
    union all select proname from pg_proc where proname like '%undone'
    union all select name from rekey.targets where name = 'undone'
    union all select target from rekey.record_deltas where target = 'undone'
    union all select target from rekey.record_counts where target = 'undone'`);
  assert.deepEqual(left, []);
  assert.deepEqual(await events('undone'), []);
  assert.equal(await sqlState(finish('undone')), 'P0001');
});

test('what was written while the registration waited is compared as well', async (t) => {
  const [tenantId] = await large('slipped');
  const writer = await sessionsOn(database, t).begin();
  const id = '00000000-0000-4000-8000-000000000002';
  await writer.query(`insert into slipped values ($1, $2, 1, '\\x0100000009')`, [id, tenantId]);
  const registering = register('slipped');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await writer.query('commit');
  await registering;
  assert.equal(await sqlState(finish('slipped')), '23514');
  assert.equal(await isKnown('slipped'), false);
  await store.query('delete from slipped where id = $1', [id]);
  await finish('slipped');
  assert.deepEqual(await miscounted('slipped'), []);
});

test('a registration gives up in the end, says who is in the way, and has changed nothing', async (t) => {
  const [name] = ['in_the_way'];
  await makeLarge(store, name, [await core.createTenant()], 1);
  const holder = await sessionsOn(database, t).begin();
  const { rows: held } = await holder.query(`select pg_backend_pid() as pid, count(*) from ${name}`);
  const impatient = database.pool({ max: 1, options: '-c rekey.lock_patience=500ms' });
  await assert.rejects(
    impatient.query(`select rekey.register_target('in_the_way', 'secrets', 'in_the_way')`),
    (error: Error & { code?: string; detail?: string }) =>
      error.code === '55P03' && error.detail?.includes(String(held[0]?.pid)) === true,
  );
  assert.equal((await store.query('select from rekey.targets where name = $1', [name])).rowCount, 0);
});

test('a transaction with a snapshot of its own registers nothing: it would count what it saw before the lock', async (t) => {
  await makeLarge(store, 'snapshot', [await core.createTenant()], 1);
  const session = await sessionsOn(database, t).begin('repeatable read');
  assert.equal(
    await sqlState(session.query(`select rekey.register_target('snapshot', 'secrets', 'snapshot')`)),
    '0A000',
  );
});
