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

await makeLarge(store, 'emptied', [], 0);
const register = `select rekey.register_target('emptied', 'secrets', 'emptied')`;
const unregister = `select rekey.unregister_target('emptied')`;

/** A rotation after its switch, with a range of each of two tables that nobody has begun. */
async function rotationWithRanges(): Promise<{ tenantId: string; rotationId: string }> {
  const { tenantId } = await core.tenantWith(3);
  const order = await readyToSwitch(core, tenantId);
  await switchPatiently(store, order);
  await store.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned)
     select $1, target, 0, 3 from unnest(array['secrets', 'emptied']) target`,
    [order.rotationId],
  );
  return { tenantId, rotationId: order.rotationId };
}

/** So that counting anew has something to put right. */
const miscount = (table: string, tenantId: string): Promise<unknown> =>
  pool.query(`begin; alter table ${table} disable trigger user;
    insert into ${table} (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), '${tenantId}', 'x', 2, '\\x0100000002');
    alter table ${table} enable trigger user; commit`);

type Prepared = { readonly tenantId: string; readonly rotationId: string };
/** What others hold of Rekey's own, as batches, pauses and folded counts do, that a call wants with the table locked. */
const wanted: readonly {
  readonly what: string;
  readonly call: string;
  readonly table: string;
  readonly hold: (prepared: Prepared) => string;
  readonly before?: (prepared: Prepared) => Promise<unknown>;
}[] = [
  {
    what: 'one of its ranges',
    call: calls['repairing a target'](),
    table: 'secrets',
    hold: ({ rotationId }) =>
      `select from rekey.rotation_ranges where rotation_id = '${rotationId}' for update`,
  },
  {
    what: 'a count of it',
    call: calls['repairing a target'](),
    table: 'secrets',
    before: ({ tenantId }) => miscount('secrets', tenantId),
    hold: ({
      tenantId,
    }) => `insert into rekey.record_counts (tenant_id, target, records) values ('${tenantId}', 'secrets', 0)
      on conflict (tenant_id, target) do update set records = excluded.records + record_counts.records`,
  },
  {
    what: 'one of its ranges',
    call: unregister,
    table: 'emptied',
    hold: ({ rotationId }) =>
      `select from rekey.rotation_ranges where rotation_id = '${rotationId}' for update`,
  },
  {
    what: 'a count of it',
    call: unregister,
    table: 'emptied',
    before: ({ tenantId }) =>
      store.query(`insert into rekey.record_counts (tenant_id, target, records) values ($1, 'emptied', 0)`, [
        tenantId,
      ]),
    hold: ({ tenantId }) => `select from rekey.record_counts where tenant_id = '${tenantId}' for update`,
  },
  {
    what: 'a rotation that knew it before',
    call: register,
    table: 'emptied',
    before: () => store.query(unregister),
    hold: ({ rotationId }) => `select from rekey.rotations where id = '${rotationId}' for update`,
  },
];

for (const { what, call, table, hold, before = async () => {} } of wanted) {
  test(`${call} waits for whoever holds ${what} with the table free`, async (t) => {
    await store.query(
      `select rekey.register_target('emptied', 'secrets', 'emptied')
       where not exists (select from rekey.targets where name = 'emptied' and retired_at is null)`,
    );
    const prepared = await rotationWithRanges();
    await before(prepared);
    const { begin } = sessionsOn(database, t);
    const [operator, holder] = [await begin(), await begin()];
    await holder.query(hold(prepared));
    await operator.query(`set local lock_timeout = '7min'`);
    let isDone = false;
    const done = operator.query(call).then(() => {
      isDone = true;
    });
    // In moments between its tries, and with more patience than one that waits for it would need.
    for (let n = 0; n < 4; n += 1) {
      await pool.query(`begin; set local lock_timeout = '5s'; select count(*) from ${table}; commit`);
      await sleep(400);
    }
    assert.equal(isDone, false);
    await holder.query('commit');
    await done;
    const { rows } = await operator.query<{ lock_timeout: string }>('show lock_timeout');
    assert.deepEqual(rows, [{ lock_timeout: '7min' }]);
    await operator.query('commit');
  });
}

test('who loses patience is told what was in the way', async (t) => {
  const { rotationId } = await rotationWithRanges();
  const { begin } = sessionsOn(database, t);
  const [operator, holder] = [await begin(), await begin()];
  await operator.query(`set local rekey.lock_patience = '1s'`);
  await holder.query(`select from rekey.rotation_ranges where rotation_id = '${rotationId}' for update`);
  await assert.rejects(operator.query(calls['repairing a target']()), {
    code: '55P03',
    detail: /^The last time it was locked out while .* in relation "rotation_ranges"\.$/,
  });
  await operator.query('rollback');
  await operator.query(`begin; set local rekey.lock_patience = '1s'`);
  await holder.query('commit; begin; select count(*) from secrets');
  const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
  await assert.rejects(operator.query(calls['repairing a target']()), {
    code: '55P03',
    detail: `Transactions of these processes hold it: ${rows[0]?.pid}.`,
  });
});

test('who looks through a large table whose counts are in doubt makes nobody wait who reads it', async (t) => {
  await makeLarge(store, 'doubted', [await core.createTenant()], 80_000);
  await store.query(`select rekey.register_target('doubted', 'secrets', 'doubted')`);
  await store.query(`select rekey.finish_registration('doubted')`);
  await store.query('delete from doubted; alter table doubted disable trigger user');
  const { begin, waitsForLock } = sessionsOn(database, t);
  const [operator, long, reader, writer] = [await begin(), await begin(), await begin(), await begin()];
  await long.query('select count(*) from doubted'); // and does not let go of it before its end
  const ending = operator.query(`select rekey.unregister_target('doubted')`);
  const isRefused = assert.rejects(ending, { code: '55P03', hint: 'Call it in a transaction of its own.' });
  await waitsForLock(operator);
  await reader.query(`set local lock_timeout = '5s'`);
  await reader.query('select count(*) from doubted');
  await writer.query('lock table doubted in row exclusive mode');
  await isRefused;
  await Promise.all([
    long.query('commit'),
    reader.query('commit'),
    writer.query('commit'),
    operator.query('rollback'),
  ]);
  await store.query(`select rekey.unregister_target('doubted')`);
});
