import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { insertSecret, sealedLike } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;

for (const target of ['credentials', 'api_keys', 'secrets']) {
  test(`${target}: the key number in the column is the one in the bytes`, async () => {
    const tenantId = await core.createTenant();
    const insert = (keyNumber: number | null, ciphertext: Buffer | null): Promise<string | undefined> =>
      sqlState(
        store.query(
          `insert into ${target} (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'n', $3, $4)`,
          [randomUUID(), tenantId, keyNumber, ciphertext],
        ),
      );
    assert.equal(await insert(1, sealedLike(2)), '23514');
    assert.equal(await insert(1, Buffer.of()), '23514');
    assert.equal(await insert(1, Buffer.of(1, 0, 0, 0)), '23514');
    const otherVersion = sealedLike(1);
    otherVersion[0] = 2;
    assert.equal(await insert(1, otherVersion), '23514');
    assert.equal(await insert(null, sealedLike(1)), '23502');
    assert.equal(await insert(1, null), '23502');
    assert.equal(await insert(1, sealedLike(1)), undefined);
  });

  test(`${target}: a label does not change without the bytes, nor the bytes without the label`, async () => {
    const { tenantId } = await core.tenantWith(0);
    const id = randomUUID();
    await store.query(
      `insert into ${target} (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'n', 1, $3)`,
      [id, tenantId, sealedLike(1)],
    );
    assert.equal(
      await sqlState(store.query(`update ${target} set key_number = 2 where id = $1`, [id])),
      '23514',
    );
    const bytes = store.query(`update ${target} set ciphertext = $2 where id = $1`, [id, sealedLike(2)]);
    assert.equal(await sqlState(bytes), '23514');
  });

  test(`${target}: ciphertexts are stored out of line as they are, not compressed`, async () => {
    const { rows } = await store.query(
      `select attstorage from pg_attribute where attrelid = $1::regclass and attname = 'ciphertext'`,
      [target],
    );
    assert.deepEqual(rows, [{ attstorage: 'e' }]);
  });

  test(`${target}: no index holds the key number, and updates find room on their page`, async () => {
    const { rows } = await store.query(
      `select pg_get_indexdef(indexrelid) as index from pg_index where indrelid = $1::regclass`,
      [target],
    );
    for (const { index } of rows) assert.doesNotMatch(index, /key_number/);
    const { rows: options } = await store.query(`select reloptions from pg_class where oid = $1::regclass`, [
      target,
    ]);
    assert.deepEqual(options, [{ reloptions: ['fillfactor=90'] }]);
  });
}

test('a table of nullable sealed columns may hold neither, and never one of the two', async () => {
  await store.query(`
    create table notes (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on notes (tenant_id, id);
    select rekey.register_target('notes', 'secrets', 'notes')`);
  const tenantId = await core.createTenant();
  const insert = (keyNumber: number | null, ciphertext: Buffer | null): Promise<string | undefined> =>
    sqlState(
      store.query('insert into notes values (gen_random_uuid(), $1, $2, $3)', [
        tenantId,
        keyNumber,
        ciphertext,
      ]),
    );
  assert.equal(await insert(null, null), undefined);
  assert.equal(await insert(1, null), '23514');
  assert.equal(await insert(null, sealedLike(1)), '23514');
  assert.equal(await insert(1, sealedLike(1)), undefined);
  const view = await core.startAndRotate(tenantId);
  assert.equal(view.itemsFailed.secrets, 1, 'the record that nothing opens is named, the empty one is none');
});

test('a table without an index on (tenant, id), or with a strange id, is not registered, and stays as it was', async () => {
  const register = (name: string, columns: string): Promise<string | undefined> =>
    sqlState(
      store.query(`create table ${name} (${columns}, key_number int, ciphertext bytea);
        select rekey.register_target('${name}', 'secrets', '${name}')`),
    );
  assert.equal(await register('no_index', 'id uuid primary key, tenant_id uuid'), 'P0001');
  assert.equal(await register('no_id', 'tenant_id uuid, n int'), 'P0001');
  assert.equal(await register('strange_id', 'id int, tenant_id uuid, unique (tenant_id, id)'), 'P0001');
  const { rows } = await store.query('select name from rekey.targets order by name');
  assert.ok(!rows.some(({ name }) => ['no_index', 'no_id', 'strange_id'].includes(name)));
});

test('a table whose bytes and labels do not agree is not registered', async () => {
  await store.query(`
    create table wrong (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on wrong (tenant_id, id);
    insert into wrong values (gen_random_uuid(), gen_random_uuid(), 1, '\\x0100000002')`);
  assert.equal(
    await sqlState(store.query(`select rekey.register_target('wrong', 'secrets', 'wrong')`)),
    'P0001',
  );
});

test('a partitioned table, its partitions and a view are not registered: writes would pass by their fence', async () => {
  await store.query(`
    create table parts (id uuid primary key, tenant_id uuid, key_number int, ciphertext bytea) partition by hash (id);
    create table part partition of parts for values with (modulus 1, remainder 0);
    create index on parts (tenant_id, id);
    create view seen as select * from secrets;
    create table bare (id uuid primary key, tenant_id uuid, key_number int, ciphertext bytea) partition by hash (id);
    create index on bare (tenant_id, id)`);
  for (const name of ['parts', 'part', 'bare', 'seen']) {
    const registering = store.query(`select rekey.register_target('parts', 'secrets', $1)`, [name]);
    await assert.rejects(registering, /Only a plain table/, name);
  }
});

test('a row of a rotation says one thing: status, phase, end and reason agree', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  // Of the columns' own conditions, or of the guard where it is no move of a rotation that was called for just now.
  for (const [set, state] of [
    [`status = 'done'`, 'RK005'],
    [`phase = 'done'`, 'RK005'],
    [`status = 'completed'`, 'RK005'],
    [`completed_at = now()`, '23514'],
    [`status = 'failed', phase = 'done', completed_at = now()`, '23514'],
    [`status = 'cancelled', phase = 'done'`, '23514'],
    [`status = 'cancelled', phase = 'done', completed_at = now(), failure_reason = 'X'`, '23514'],
    [`failure_reason = 'select secret from credentials'`, '23514'],
    [`phase = 'sweeping'`, 'RK005'],
    [`status = 'completed', phase = 'done', completed_at = now()`, 'RK005'],
    [`waiting_for = 'godot'`, '23514'],
  ] as const) {
    const change = store.query(`update rekey.rotations set ${set} where id = $1`, [rotationId]);
    assert.equal(await sqlState(change), state, set);
  }
});

test('what a record names as its tenant need not exist for the database to fence it', async () => {
  assert.equal(await sqlState(insertSecret(store, randomUUID(), 1)), 'RK001');
});

test('names of people and things have a length', async () => {
  const long = randomBytes(101).toString('hex');
  const insert = (name: string): Promise<unknown> =>
    store.query('insert into rekey.tenants (id, name) values (gen_random_uuid(), $1)', [name]);
  assert.equal(await sqlState(insert(long)), '23514');
  assert.equal(await sqlState(insert('')), '23514');
  assert.equal(await sqlState(insert(long.slice(0, 200))), undefined);
});
