import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { drainOlder, switchDek } from '@rekey/control';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret, sealedLike } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;

/** A tenant with one record under key 1 and key 2 active: what the middle of a rotation looks like. */
async function switchedTenant(): Promise<{ tenantId: string; id: string }> {
  const { tenantId, ids } = await core.tenantWith(1);
  await switchDek(store, await readyToSwitch(core, tenantId));
  return { tenantId, id: ids[0] ?? '' };
}

for (const [who, write] of [
  ['a raw INSERT', (on, tenantId) => insertSecret(on, tenantId, 1)],
  ['hold_dek', (on, tenantId) => on.query('select * from rekey.hold_dek($1)', [tenantId])],
  ['hold_active_dek', (on, tenantId) => on.query('select * from rekey.hold_active_dek($1)', [tenantId])],
] satisfies Array<[string, (on: Pick<typeof store, 'query'>, tenantId: string) => Promise<unknown>]>) {
  test(`a DEK that an open transaction holds by ${who} is switched at once, and drains when that is over`, async (t) => {
    const tenantId = await core.createTenant();
    const order = await readyToSwitch(core, tenantId);
    const writer = await sessionsOn(database, t).begin();
    await write(writer, tenantId);
    assert.equal(await switchDek(store, order), 'draining');
    for (let look = 0; look < 3; look += 1) assert.equal(await drainOlder(store, tenantId), false);
    await writer.query('commit');
    assert.equal(await drainOlder(store, tenantId), true);
  });
}

for (const target of ['credentials', 'api_keys', 'secrets']) {
  test(`${target}: nothing is written under a key that is not active`, async () => {
    const { tenantId } = await switchedTenant();
    const insert = (keyNumber: number): Promise<unknown> =>
      store.query(
        `insert into ${target} (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'n', $3, $4)`,
        [randomUUID(), tenantId, keyNumber, sealedLike(keyNumber)],
      );
    await core.finish(
      (await store.query(`select id from rekey.rotations where tenant_id = $1`, [tenantId])).rows[0]?.id,
    );
    await core.start(tenantId); // key 3 is pre_active
    for (const dead of [1, 3, 4]) assert.equal(await sqlState(insert(dead)), 'RK001', `key ${dead}`);
    await insert(2);
  });
}

test('a record that waits for the sweep can be renamed', async () => {
  const { tenantId, id } = await switchedTenant();
  await store.query(`update secrets set name = 'renamed' where id = $1`, [id]);
  await store.query(
    `update secrets set name = 'again', key_number = key_number, ciphertext = ciphertext where id = $1`,
    [id],
  );
  await store.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'x', 2, $3)
     on conflict (id) do update set name = 'by upsert'`,
    [id, tenantId, sealedLike(2)],
  );
  const { rows } = await store.query('select name, key_number from secrets where id = $1', [id]);
  assert.deepEqual(rows, [{ name: 'by upsert', key_number: 1 }]);
});

const rewrites: Record<string, string> = {
  UPDATE: 'update secrets set ciphertext = $2 where id = $1',
  'UPDATE of the key too': 'update secrets set ciphertext = $2, key_number = 1 where id = $1',
  'INSERT … ON CONFLICT': `insert into secrets (id, tenant_id, name, key_number, ciphertext)
    select $1, tenant_id, 'n', 1, $2 from secrets where id = $1
    on conflict (id) do update set ciphertext = excluded.ciphertext, key_number = excluded.key_number`,
  'MERGE that updates': `merge into secrets s using (select $1::uuid as id) w on w.id = s.id
    when matched then update set ciphertext = $2`,
  'MERGE that inserts': `merge into secrets s using (select * from secrets where id = $1) w on false
    when not matched then insert (id, tenant_id, name, key_number, ciphertext)
      values (gen_random_uuid(), w.tenant_id, 'n', 1, $2)`,
  'a data-modifying WITH': `with w as (update secrets set ciphertext = $2 where id = $1 returning 1) select * from w`,
};
for (const [way, statement] of Object.entries(rewrites)) {
  test(`a ciphertext under an older key is refused: ${way}`, async () => {
    const { id } = await switchedTenant();
    const before = (await store.query('select ciphertext from secrets where id = $1', [id])).rows;
    assert.equal(await sqlState(store.query(statement, [id, sealedLike(1)])), 'RK001');
    assert.deepEqual((await store.query('select ciphertext from secrets where id = $1', [id])).rows, before);
  });
}

test('a ciphertext under an older key is refused: COPY', async () => {
  const { tenantId } = await switchedTenant();
  const copy = (keyNumber: number): Promise<unknown> => {
    const fields = [
      randomUUID(),
      tenantId,
      'n',
      keyNumber,
      `\\\\\\\\x${sealedLike(keyNumber).toString('hex')}`,
    ];
    return store.query(
      `copy secrets (id, tenant_id, name, key_number, ciphertext) from program $$printf '${fields.join('\\t')}\\n'$$`,
    );
  };
  assert.equal(await sqlState(copy(1)), 'RK001');
  await copy(2);
});

test('one tenant with a dead key stops a statement over several tenants, whole', async () => {
  const [dead, living] = [await switchedTenant(), await core.tenantWith(1)];
  const change = (tenants: string[]): Promise<unknown> =>
    store.query(
      `update secrets set ciphertext = ciphertext || '\\x00'::bytea, name = 'changed' where tenant_id = any ($1)`,
      [tenants],
    );
  assert.equal(await sqlState(change([dead.tenantId, living.tenantId])), 'RK001');
  const { rows } = await store.query(`select name from secrets where tenant_id = any ($1)`, [
    [dead.tenantId, living.tenantId],
  ]);
  assert.deepEqual(rows, [{ name: 'a secret' }, { name: 'a secret' }]);
  await change([living.tenantId]);
});

test('a statement over several tenants holds the active DEK of each', async (t) => {
  const tenants = [await core.createTenant(), await core.createTenant()];
  const orders = await Promise.all(tenants.map((tenant) => readyToSwitch(core, tenant)));
  const writer = await sessionsOn(database, t).begin();
  await writer.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext)
     select gen_random_uuid(), t, 'n', 1, $2 from unnest($1::uuid[]) t`,
    [tenants, sealedLike(1)],
  );
  for (const order of orders) assert.equal(await switchDek(store, order), 'draining');
  await writer.query('rollback');
  for (const tenant of tenants) assert.equal(await drainOlder(store, tenant), true);
});

test('a record never changes its id or its tenant', async () => {
  const [{ tenantId, ids }, other] = [await core.tenantWith(2), await core.createTenant()];
  const change = (set: string, ...values: unknown[]): Promise<string | undefined> =>
    sqlState(store.query(`update secrets set ${set} where id = $1`, [ids[0], ...values]));
  assert.equal(await change('id = gen_random_uuid()'), 'RK004');
  assert.equal(await change('tenant_id = $2', other), 'RK004');
  assert.equal(await change('id = id, tenant_id = $2', tenantId), undefined);
  const { rows } = await store.query('select id from secrets where tenant_id = $1 order by id', [tenantId]);
  assert.deepEqual(
    rows.map(({ id }) => id),
    [...ids].sort(),
  );
});

test('what was written past the triggers is found by the count of the next rotation', async (t) => {
  const { tenantId } = await core.tenantWith(3);
  await core.startAndRotate(tenantId);
  const bypass = await sessionsOn(database, t).begin();
  await bypass.query(`set local session_replication_role = 'replica'`);
  const id = await insertSecret(bypass, tenantId, 1); // nothing opens it: it has to be named, not lost
  await bypass.query('commit');
  const view = await core.startAndRotate(tenantId);
  assert.equal(view.status, 'completed_with_failures');
  assert.deepEqual([view.itemsRotated.secrets, view.itemsFailed.secrets], [3, 1]);
  const { rows } = await store.query('select record_id from rekey.rotation_failures where rotation_id = $1', [
    view.id,
  ]);
  assert.deepEqual(rows, [{ record_id: id }]);
});
