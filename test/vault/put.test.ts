import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { switchDek } from '@rekey/control';
import { VaultError, type VaultErrorCode } from '@rekey/vault';
import { firstSecret, readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sessionsOn } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, vault, database, kek } = core;
const refusal = (code: VaultErrorCode) => (error: unknown) =>
  error instanceof VaultError && error.code === code;
const columns = { name: 'n' };

test('no put is refused and none is lost while keys are switched again and again', async (t) => {
  const { tenantId } = await core.tenantWith(50);
  const last = new Map<string, string>();
  let storming = true;
  let puts = 0;
  const alone = async (): Promise<void> => {
    const id = randomUUID();
    for (let n = 0; storming; n += 1, puts += 1) {
      await vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(`${n}`), columns });
      last.set(id, `${n}`);
    }
  };
  const pool = database.pool({ max: 4 });
  const inPairs = async (): Promise<void> => {
    const pair = [randomUUID(), randomUUID()].sort();
    const client = await pool.connect();
    try {
      for (let n = 0; storming; n += 1, puts += 1) {
        await client.query('begin');
        for (const id of pair) {
          await vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(`${n}`), columns, client });
        }
        await client.query('commit');
        for (const id of pair) last.set(id, `${n}`);
      }
    } finally {
      client.release(true);
    }
  };
  const rotating = async (): Promise<void> => {
    for (let n = 0; n < 6; n += 1) {
      const seen = puts;
      await until(() => puts > seen + 10, { what: 'puts under way' });
      assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
    }
  };
  const stop = (): void => {
    storming = false;
  };
  await Promise.all([rotating().finally(stop), alone(), alone(), alone(), inPairs(), inPairs(), inPairs()]);
  t.diagnostic(`${puts} puts over 6 rotations`);
  assert.equal(last.size, 9);
  for (const [id, value] of last) {
    assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), value);
  }
  const deks = await core.deks(tenantId);
  assert.equal(deks.at(-1), '7 active');
});

for (const client of ['own', "the caller's"] as const) {
  test(`a put under a cold key leaves the gate open while it unwraps: ${client} connection`, async (t) => {
    const { tenantId, ids } = await core.tenantWith(1);
    const order = await readyToSwitch(core, tenantId);
    const cold = core.anotherVault();
    let unwrapping = false;
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    kek.beforeUnwrap = () => {
      unwrapping = true;
      return held;
    };
    t.after(() => {
      kek.beforeUnwrap = async () => {};
      letGo();
    });
    const [session] = client === 'own' ? [] : [await sessionsOn(database, t).begin()];
    const id = ids[0] ?? '';
    await session?.query(
      `insert into rekey.tenants (id, name) values (gen_random_uuid(), 'the caller''s own')`,
    );
    const put = cold.put({
      target: 'secrets',
      tenantId,
      id,
      value: Buffer.from('new'),
      ...(session === undefined ? {} : { client: session }),
    });
    await until(() => unwrapping, { what: 'the KEK is asked' });
    assert.equal(await switchDek(store, order), 'drained');
    letGo();
    await put;
    await session?.query('commit');
    assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), 'new');
    const { rows } = await store.query('select key_number from secrets where id = $1', [id]);
    assert.deepEqual(rows, [{ key_number: 2 }]);
    if (session !== undefined) {
      const { rowCount } = await store.query(`select from rekey.tenants where name = 'the caller''s own'`);
      assert.equal(rowCount, 1, 'what the caller did before is still there');
    }
  });
}

test("a caller's REPEATABLE READ transaction that is older than a switch gets RETRY, and wins when run again", async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const session = await sessionsOn(database, t).begin('repeatable read');
  await session.query('select count(*) from secrets');
  await core.startAndRotate(tenantId);
  const put = (): Promise<void> =>
    vault.put({ target: 'secrets', tenantId, id: ids[0] ?? '', value: Buffer.from('new'), client: session });
  await assert.rejects(put(), refusal('RETRY'));
  await session.query('rollback');
  await session.query('begin isolation level repeatable read');
  await put();
  await session.query('commit');
  assert.equal((await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }))?.toString(), 'new');
});

test("a put in a caller's transaction happens with it, or not at all", async (t) => {
  const { tenantId } = await core.tenantWith(0);
  const id = randomUUID();
  const session = await sessionsOn(database, t).begin();
  await vault.put({ target: 'secrets', tenantId, id, value: Buffer.from('x'), columns, client: session });
  assert.equal(await vault.get({ target: 'secrets', tenantId, id }), null);
  assert.equal((await vault.get({ target: 'secrets', tenantId, id, client: session }))?.toString(), 'x');
  await session.query('rollback');
  assert.equal(await vault.get({ target: 'secrets', tenantId, id }), null);
});

test("of a put that fails nothing stays in the caller's transaction, which goes on", async (t) => {
  const { tenantId } = await core.tenantWith(0);
  const { ids: others } = await core.tenantWith(1);
  const session = await sessionsOn(database, t).begin();
  const mine = randomUUID();
  const value = Buffer.from('x');
  const records = [
    { id: mine, value, columns },
    { id: others[0] ?? '', value, columns },
  ];
  const put = vault.putMany({ target: 'secrets', tenantId, client: session, records });
  await assert.rejects(put, refusal('ID_TAKEN'));
  const wrong = vault.put({
    target: 'secrets',
    tenantId,
    id: mine,
    value,
    columns: { name: '' },
    client: session,
  });
  await assert.rejects(wrong); // refused by a constraint
  const after = randomUUID();
  await vault.put({ target: 'secrets', tenantId, id: after, value, columns, client: session });
  await session.query('commit');
  assert.equal(await vault.get({ target: 'secrets', tenantId, id: mine }), null);
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id: after }), value);
});

test("another tenant's record is neither read nor written, and many are written all or none", async () => {
  const { tenantId } = await core.tenantWith(0);
  const { tenantId: other, ids } = await core.tenantWith(1);
  const [mine, theirs] = [randomUUID(), ids[0] ?? ''];
  const value = Buffer.from('stolen');
  assert.equal(await vault.get({ target: 'secrets', tenantId, id: theirs }), null);
  await assert.rejects(
    vault.put({ target: 'secrets', tenantId, id: theirs, value, columns }),
    refusal('ID_TAKEN'),
  );
  const records = [
    { id: mine, value, columns },
    { id: theirs, value, columns },
  ];
  await assert.rejects(vault.putMany({ target: 'secrets', tenantId, records }), refusal('ID_TAKEN'));
  assert.equal(await vault.get({ target: 'secrets', tenantId, id: mine }), null);
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId: other, id: theirs }), firstSecret(theirs));
});

test('a value is got as it was put: empty, one byte, large, whatever the case of the ids', async () => {
  const tenantId = await core.createTenant();
  for (const value of [Buffer.of(), Buffer.of(0), Buffer.alloc(1_000_000, 7)]) {
    const id = randomUUID();
    await vault.put({
      target: 'secrets',
      tenantId: tenantId.toUpperCase(),
      id: id.toUpperCase(),
      value,
      columns,
    });
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), value);
    await vault.put({ target: 'secrets', tenantId, id, value: new Uint8Array([1, 2, 3]).subarray(1) });
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), Buffer.of(2, 3));
  }
});

test('an unknown target and a tenant without a key are told apart', async () => {
  const value = Buffer.of(1);
  const id = randomUUID();
  const tenantId = randomUUID();
  await assert.rejects(
    vault.put({ target: 'nothing', tenantId, id, value, columns }),
    refusal('UNKNOWN_TARGET'),
  );
  await assert.rejects(
    vault.put({ target: 'secrets', tenantId, id, value, columns }),
    refusal('NO_ACTIVE_KEY'),
  );
  assert.equal(await vault.get({ target: 'secrets', tenantId, id }), null);
});
