import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { loadDeks, reserveSeals, storeMaterial } from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import { rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, kek, database } = core;

const states = ['pre_active', 'active', 'deactivated', 'compromised', 'destroyed'] as const;
type State = (typeof states)[number];
const ways: Record<State, readonly State[]> = {
  pre_active: ['active', 'destroyed'],
  active: ['deactivated', 'compromised'],
  deactivated: ['compromised', 'destroyed'],
  compromised: ['destroyed'],
  destroyed: [],
};
const pathTo: Record<State, readonly State[]> = {
  pre_active: [],
  active: ['active'],
  deactivated: ['active', 'deactivated'],
  compromised: ['active', 'compromised'],
  destroyed: ['destroyed'],
};

// So that the KEK of this file is known: what is inserted below is under one that nobody has.
await core.createTenant();

async function insertDek(state: State): Promise<{ id: string; tenantId: string; keyNumber: number }> {
  const [tenantId, id, keyNumber] = [randomUUID(), randomUUID(), 1];
  await store.query(`insert into rekey.tenants (id, name) values ($1, 'x')`, [tenantId]);
  await store.query(
    `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, $3, 'pre_active')`,
    [id, tenantId, keyNumber],
  );
  await storeMaterial(store, {
    dekId: id,
    kekId: 'of-a-test:x',
    kekUri: 'of-a-test:x',
    wrapped: randomBytes(64),
    check: randomBytes(32),
  });
  for (const step of pathTo[state]) await setState(id, step);
  return { id, tenantId, keyNumber };
}

const setState = (id: string, state: State): Promise<unknown> =>
  store.query('update rekey.deks set state = $2 where id = $1', [id, state]);

for (const from of states) {
  test(`a DEK that is ${from} goes only to ${ways[from].join(' or ') || 'nowhere'}`, async () => {
    for (const to of states.filter((state) => state !== from)) {
      const { id } = await insertDek(from);
      const allowed = ways[from].includes(to);
      assert.equal(await sqlState(setState(id, to)), allowed ? undefined : 'RK002', `${from} to ${to}`);
    }
  });
}

test('a DEK begins as pre_active, keeps its identity, and its record is never deleted', async () => {
  const { id, tenantId } = await insertDek('deactivated');
  for (const state of states.slice(1)) {
    const insert = store.query(
      `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, 2, $3)`,
      [randomUUID(), tenantId, state],
    );
    assert.equal(await sqlState(insert), 'RK002');
  }
  const other = await core.createTenant();
  for (const change of [`id = gen_random_uuid()`, `tenant_id = '${other}'`, 'key_number = 9']) {
    assert.equal(await sqlState(store.query(`update rekey.deks set ${change} where id = $1`, [id])), 'RK002');
  }
  assert.equal(await sqlState(store.query('delete from rekey.deks where id = $1', [id])), 'RK002');
  assert.equal(await sqlState(store.query('truncate rekey.deks cascade')), 'RK002');
  assert.equal(await sqlState(store.query('truncate rekey.tenants cascade')), 'RK002');
});

test('a tenant with a DEK is not deleted and does not change its id', async () => {
  const tenantId = await core.createTenant();
  assert.equal(await sqlState(store.query('delete from rekey.tenants where id = $1', [tenantId])), '23503');
  const renamed = store.query('update rekey.tenants set id = gen_random_uuid() where id = $1', [tenantId]);
  assert.equal(await sqlState(renamed), '23503');
});

test('a tenant has one active DEK at most, and each number once', async () => {
  const { tenantId, keyNumber } = await insertDek('active');
  const second = randomUUID();
  const insert = (id: string, number: number): Promise<unknown> =>
    store.query(
      `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, $3, 'pre_active')`,
      [id, tenantId, number],
    );
  // The largest number would end the tenant's rotations for ever.
  for (const number of [keyNumber, 0, -1, keyNumber + 2, 2 ** 31 - 1]) {
    assert.equal(await sqlState(insert(randomUUID(), number)), 'RK002', `${number}`);
  }
  await insert(second, keyNumber + 1);
  assert.equal(await sqlState(setState(second, 'active')), 'RK002', 'no material');
  await storeMaterial(store, {
    dekId: second,
    kekId: 'of-a-test:x',
    kekUri: 'of-a-test:x',
    wrapped: randomBytes(64),
    check: randomBytes(32),
  });
  assert.equal(await sqlState(setState(second, 'active')), '23505');
});

for (const from of ['deactivated', 'compromised'] as const) {
  test(`a ${from} DEK that a record names is not destroyed; with the record gone it is, its material then too`, async (t) => {
    const { id, tenantId, keyNumber } = await insertDek('active');
    const record = await insertSecret(store, tenantId, keyNumber);
    await setState(id, from);
    const deleteMaterial = (): Promise<unknown> =>
      store.query('delete from rekey.dek_material where dek_id = $1', [id]);
    assert.equal(await sqlState(setState(id, 'destroyed')), 'RK003');
    assert.equal(await sqlState(deleteMaterial()), 'RK003');
    const deleter = await sessionsOn(database, t).begin();
    await deleter.query('delete from secrets where id = $1', [record]);
    assert.equal(await sqlState(setState(id, 'destroyed')), 'RK003', 'the delete is not committed');
    await deleter.query('commit');
    await setState(id, 'destroyed');
    await deleteMaterial();
  });
}

test('a DEK that a record of any target names is not destroyed', async () => {
  for (const target of ['credentials', 'api_keys']) {
    const { id, tenantId, keyNumber } = await insertDek('active');
    await store.query(
      `insert into ${target} (id, tenant_id, name, key_number, ciphertext)
       values (gen_random_uuid(), $1, 'n', $2, '\\x01'::bytea || int4send($2) || '\\x00')`,
      [tenantId, keyNumber],
    );
    await setState(id, 'deactivated');
    assert.equal(await sqlState(setState(id, 'destroyed')), 'RK003', target);
  }
});

test('stored material is replaced by nothing but a rewrap', async () => {
  const { id } = await insertDek('active');
  const change = (set: string): Promise<string | undefined> =>
    sqlState(store.query(`update rekey.dek_material set ${set} where dek_id = $1`, [id]));
  const other = await insertDek('pre_active');
  assert.equal(await change(`wrapped = wrapped || '\\x00'`), 'RK002');
  assert.equal(await change(`kek_uri = 'local:other'`), 'RK002');
  assert.equal(await change(`wrapped = wrapped || '\\x00', wrap_version = wrap_version + 2`), 'RK002');
  assert.equal(await change(`dek_id = '${other.id}', wrap_version = wrap_version + 1`), 'RK002');
  assert.equal(await change(`wrapped = wrapped || '\\x00', wrap_version = wrap_version + 1`), undefined);
  assert.equal(await sqlState(store.query('truncate rekey.dek_material')), 'RK003');
});

test('of two makers of one DEK the first to store wins, and the second changes nothing', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  const { rows } = await store.query('select new_dek_id as id from rekey.rotations where id = $1', [
    rotationId,
  ]);
  const made = await Promise.all(Array.from({ length: 4 }, () => makeDek(kek, tenantId, rows[0]?.id)));
  await Promise.all(made.map((dek) => storeMaterial(store, dek)));
  const [before] = await loadDeks(store, tenantId, { dekIds: [rows[0]?.id] });
  assert.ok(made.some(({ wrapped }) => before?.wrapped.equals(wrapped)));
  for (const dek of made) await storeMaterial(store, dek);
  const [stored] = await loadDeks(store, tenantId, { dekIds: [rows[0]?.id] });
  assert.deepEqual(stored?.wrapped, before?.wrapped);
});

for (const state of ['active', 'deactivated', 'destroyed'] as const) {
  test(`material is not stored for a DEK that is ${state}`, async () => {
    const { id } = await insertDek(state);
    if (state === 'destroyed') await store.query('delete from rekey.dek_material where dek_id = $1', [id]);
    const insert = store.query(
      `insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, 'of-a-test:x', $2)`,
      [id, randomBytes(64)],
    );
    assert.equal(await sqlState(insert), 'RK002');
  });
}

test('seals are counted by appending, in blocks of those who write and by what rotations sealed', async () => {
  const { tenantId } = await core.tenantWith(3);
  const view = await core.startAndRotate(tenantId);
  assert.equal(await reserveSeals(store, view.newDekId, 100), 103);
  assert.deepEqual(
    await Promise.all([1, 2].map(() => reserveSeals(store, view.newDekId, 10))).then(async () =>
      reserveSeals(store, view.newDekId, 1),
    ),
    124,
  );
});
