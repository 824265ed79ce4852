import assert from 'node:assert/strict';
import { test } from 'node:test';
import { switchDek } from '@rekey/control';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;

test('a busy DEK has eight locks, that of a quiet tenant one after its first rotation, and both drain', async (t) => {
  const slots = async (tenantId: string, keyNumber: number): Promise<number | undefined> =>
    (
      await store.query(
        'select count(*)::int as n from rekey.dek_locks where tenant_id = $1 and key_number = $2',
        [tenantId, keyNumber],
      )
    ).rows[0]?.n;
  const tenantId = await core.createTenant();
  assert.equal(await slots(tenantId, 1), 8);
  await core.startAndRotate(tenantId);
  assert.equal(await slots(tenantId, 2), 1);
  await store.query(
    `insert into rekey.dek_seals (dek_id, seals) select id, 100000 from rekey.deks where tenant_id = $1 and state = 'active'`,
    [tenantId],
  );
  await core.startAndRotate(tenantId);
  assert.equal(await slots(tenantId, 3), 8);
  // Only that slot is held which its session falls to; the others close at once.
  const holder = await sessionsOn(database, t).begin();
  await holder.query('select rekey.hold_dek($1)', [tenantId]);
  await switchDek(store, await readyToSwitch(core, tenantId));
  const { rows } = await store.query(
    'select count(*)::int as open from rekey.dek_locks where tenant_id = $1 and key_number = 3 and closed_at is null',
    [tenantId],
  );
  assert.deepEqual(rows, [{ open: 1 }]);
});

test('an active DEK whose lock was lost is an error that names it, not an endless retry', async () => {
  const tenantId = await core.createTenant();
  await store.query('alter table rekey.dek_locks disable trigger guard_dek_lock');
  await store.query('delete from rekey.dek_locks where tenant_id = $1', [tenantId]);
  await store.query('alter table rekey.dek_locks enable trigger guard_dek_lock');
  assert.equal(await sqlState(store.query('select rekey.hold_dek($1)', [tenantId])), 'RK006');
});

test('a lock is neither deleted nor opened again, nor closed under an active DEK', async () => {
  const tenantId = await core.createTenant();
  const changes = [
    'delete from rekey.dek_locks where tenant_id = $1',
    'update rekey.dek_locks set closed_at = now() where tenant_id = $1',
    'update rekey.dek_locks set key_number = 9 where tenant_id = $1',
  ];
  for (const change of changes)
    assert.equal(await sqlState(store.query(change, [tenantId])), 'RK002', change);
  await core.startAndRotate(tenantId);
  const reopen = store.query(
    'update rekey.dek_locks set closed_at = null where tenant_id = $1 and key_number = 1',
    [tenantId],
  );
  assert.equal(await sqlState(reopen), 'RK002');
});

test('one statement may write for more tenants than Postgres has locks', async () => {
  // 64 advisory locks for each of 100 connections were all there is on a stock server.
  const { rows } = await store.query<{ id: string }>(
    `insert into rekey.tenants (id, name) select gen_random_uuid(), 'many' from generate_series(1, 12000) returning id`,
  );
  const tenants = rows.map(({ id }) => id);
  await store.query(
    `insert into rekey.deks (id, tenant_id, key_number, state)
     select gen_random_uuid(), t, 1, 'pre_active' from unnest($1::uuid[]) t`,
    [tenants],
  );
  await store.query(
    `insert into rekey.dek_material (dek_id, kek_uri, wrapped)
     select id, 'of-a-test:x', decode(repeat('00', 40), 'hex') from rekey.deks where tenant_id = any ($1)`,
    [tenants],
  );
  await store.query(`update rekey.deks set state = 'active' where tenant_id = any ($1)`, [tenants]);
  await store.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext)
     select gen_random_uuid(), t, 'n', 1, '\\x01'::bytea || int4send(1) || '\\x00' from unnest($1::uuid[]) t`,
    [tenants],
  );
  await store.query(`update secrets set name = 'renamed' where tenant_id = any ($1)`, [tenants]);
});
