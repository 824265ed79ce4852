import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { switchDek } from '@rekey/control';
import { StoreError } from '@rekey/db';
import { prepareSweep } from '@rekey/rotation';
import { VaultError, type VaultErrorCode } from '@rekey/vault';
import { kmsAway, testKek } from '../harness/kek.ts';
import { firstSecret, readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, vault, kek } = core;
const refusal = (code: VaultErrorCode) => (error: unknown) =>
  error instanceof VaultError && error.code === code;
const columns = { name: 'n' };

test('a hundred reads at once unwrap a key once, and later ones never', async () => {
  const { tenantId, ids } = await core.tenantWith(4);
  const cold = core.anotherVault();
  const before = kek.calls.unwrap;
  kek.beforeUnwrap = () => sleep(100); // as a KMS is: others ask while it thinks
  const get = (n: number): Promise<Buffer | null> =>
    cold.get({ target: 'secrets', tenantId, id: ids[n % 4] ?? '' });
  await Promise.all(Array.from({ length: 100 }, (_, n) => get(n)));
  kek.beforeUnwrap = async () => {};
  await get(0);
  await cold.put({ target: 'secrets', tenantId, id: ids[0] ?? '', value: Buffer.of(1) });
  assert.equal(kek.calls.unwrap - before, 1);
});

for (const learnt of ['a notification', 'a read'] as const) {
  test(`the next key is fetched before the switch on ${learnt}, so a KMS that fails right after it disturbs nobody`, async (t) => {
    const { tenantId, ids } = await core.tenantWith(3);
    const [id, other] = [ids[0] ?? '', ids[1] ?? ''];
    const warm = core.anotherVault({ prefetch: learnt === 'a notification' });
    if (learnt === 'a notification') await listening();
    await warm.get({ target: 'secrets', tenantId, id });
    const before = kek.calls.unwrap;
    const order = await readyToSwitch(core, tenantId);
    if (learnt === 'a read') await warm.get({ target: 'secrets', tenantId, id });
    await until(() => kek.calls.unwrap === before + 1, { what: 'the new DEK is unwrapped ahead' });
    await prepareSweep(core.env, order.rotationId, new AbortController().signal);
    await core.finish(order.rotationId);

    kek.beforeUnwrap = kmsAway;
    t.after(() => {
      kek.beforeUnwrap = async () => {};
    });
    assert.deepEqual(await warm.get({ target: 'secrets', tenantId, id }), firstSecret(id));
    await warm.put({ target: 'secrets', tenantId, id: other, value: Buffer.from('new') });
    assert.equal((await warm.get({ target: 'secrets', tenantId, id: other }))?.toString(), 'new');
    const cold = core.anotherVault();
    await assert.rejects(cold.get({ target: 'secrets', tenantId, id }), refusal('UNAVAILABLE'));
    await assert.rejects(
      cold.put({ target: 'secrets', tenantId, id, value: Buffer.of(1) }),
      refusal('UNAVAILABLE'),
    );
  });
}

test('the new key has its material stored before it is active, and cannot be active without', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
  await switchDek(store, order);
  const bare = await core.createTenant();
  const rotationId = await core.start(bare);
  const { rows } = await store.query(
    `update rekey.rotations set phase = 'activating' where id = $1 returning previous_dek_id, new_dek_id`,
    [rotationId],
  );
  const { previous_dek_id: previousDekId, new_dek_id: newDekId } = rows[0] ?? {};
  await assert.rejects(switchDek(store, { ...order, rotationId, tenantId: bare, previousDekId, newDekId }));
  assert.deepEqual(await core.deks(bare), ['1 active', '2 pre_active']);
});

test('two activations of one rotation at once make one DEK, under which all is sealed', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const rotationId = await core.start(tenantId);
  let arrived = 0;
  kek.beforeWrap = async () => {
    arrived += 1; // neither stores before both have made one
    await until(() => arrived === 2, { what: 'both have made a DEK' });
  };
  const signal = new AbortController().signal;
  // As jobs do it: who finds the other one at the switch for longer than its patience comes again.
  const prepare = (): Promise<unknown> =>
    prepareSweep(core.env, rotationId, signal).catch((error) => {
      if (error instanceof StoreError && error.code === 'LOCKED') return prepare();
      throw error;
    });
  const sweeps = await Promise.all([prepare(), prepare()]).finally(() => {
    kek.beforeWrap = async () => {};
  });
  assert.ok(sweeps.every((sweep) => sweep !== null));
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
  await core.finish(rotationId);
  const cold = core.anotherVault();
  for (const id of ids)
    assert.deepEqual(await cold.get({ target: 'secrets', tenantId, id }), firstSecret(id));
});

test('twenty calls at once make one tenant with one active DEK, number 1', async () => {
  const tenantId = randomUUID();
  await Promise.all(Array.from({ length: 20 }, () => vault.createTenant({ tenantId, name: 'x' })));
  await vault.createTenant({ tenantId: tenantId.toUpperCase(), name: 'again' });
  assert.deepEqual(await core.deks(tenantId), ['1 active']);
  const { rows } = await store.query('select name from rekey.tenants where id = $1', [tenantId]);
  assert.deepEqual(rows, [{ name: 'x' }]);
});

test('a vault with another KEK than the stored DEKs makes no tenant, which nobody else could write for', async () => {
  await core.createTenant();
  const other = core.anotherVault({ kek: await testKek() });
  const tenantId = randomUUID();
  await assert.rejects(other.createTenant({ tenantId, name: 'a tenant' }), (error: unknown) => {
    assert.ok(refusal('UNAVAILABLE')(error) && error instanceof VaultError, inspect(error));
    assert.match(error.message, /another KEK than those that the stored DEKs are wrapped under/);
    return true;
  });
  assert.deepEqual(await core.deks(tenantId), []);
  const { rowCount } = await store.query('select from rekey.tenants where id = $1', [tenantId]);
  assert.equal(rowCount, 0);
  await vault.createTenant({ tenantId, name: 'a tenant' });
  assert.deepEqual(await core.deks(tenantId), ['1 active']);
});

test('a tenant that races its own first rotation ends with one active DEK', async () => {
  for (let n = 0; n < 5; n += 1) {
    const tenantId = randomUUID();
    await store.query(`insert into rekey.tenants (id, name) values ($1, 'bare')`, [tenantId]);
    const rotating = core.start(tenantId).then((rotationId) => core.finish(rotationId));
    await Promise.all([rotating, vault.createTenant({ tenantId, name: 'x' })]);
    const active = (await core.deks(tenantId)).filter((dek) => dek.endsWith(' active'));
    assert.equal(active.length, 1);
    await vault.put({ target: 'secrets', tenantId, id: randomUUID(), value: Buffer.of(1), columns });
  }
});

test('a DEK that has sealed as often as it may seals no more, until it is rotated', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const id = ids[0] ?? '';
  const count = (seals: number): Promise<unknown> =>
    store.query(
      `insert into rekey.dek_seals (dek_id, seals)
       select d.id, $2 - c.seals from rekey.deks d join rekey.dek_seal_counts c on c.dek_id = d.id
       where d.tenant_id = $1 and d.state = 'active'`,
      [tenantId, seals],
    );
  const put = (): Promise<void> =>
    core.anotherVault().put({ target: 'secrets', tenantId, id, value: Buffer.of(1) });
  await count(2 ** 32 - 4_096);
  await put(); // the last block
  await assert.rejects(put(), refusal('SEAL_LIMIT'));
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), Buffer.of(1));
  await core.startAndRotate(tenantId);
  await put();
});

test('more records than a block of seals are written, and counted', async () => {
  const tenantId = await core.createTenant();
  const records = Array.from({ length: 5_000 }, () => ({ id: randomUUID(), value: Buffer.of(1), columns }));
  await vault.putMany({ target: 'secrets', tenantId, records });
  const { rows } = await store.query(
    `select seals from rekey.dek_seal_counts join rekey.deks on id = dek_id where tenant_id = $1`,
    [tenantId],
  );
  assert.ok(Number(rows[0]?.seals) >= 5_000);
});

test('no error of the vault shows a plaintext, a ciphertext or a key, however it is printed', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const value = Buffer.from('a plaintext that must not be seen');
  const damaged = await insertSecret(store, tenantId, 1);
  const put = { target: 'secrets', tenantId, id: randomUUID(), value, columns };
  const stranger = await core.createTenant();
  const failures = [
    vault.put({ ...put, target: 'nothing' }),
    vault.put({ ...put, tenantId: randomUUID() }),
    vault.put({ ...put, columns: { name: '' } }), // a constraint of the table
    vault.put({ ...put, columns: {} }), // a column that must not be null
    vault.put({ ...put, columns: { name: 'n', nonsense: 1 } }),
    vault.put({ ...put, id: 'no uuid' }),
    vault.putMany({ ...put, records: [{ ...put }, { ...put }] }), // the same id twice
    core.anotherVault().put({ ...put, id: ids[0] ?? '', tenantId: stranger }),
    vault.get({ target: 'secrets', tenantId, id: damaged }),
  ];
  const errors = (await Promise.allSettled(failures)).map((settled) =>
    'reason' in settled ? settled.reason : null,
  );
  kek.beforeUnwrap = kmsAway;
  t.after(() => {
    kek.beforeUnwrap = async () => {};
  });
  errors.push(
    await core
      .anotherVault()
      .put(put)
      .catch((error: unknown) => error),
  );
  const { rows } = await store.query(
    `select encode(wrapped, 'hex') as wrapped, (select encode(ciphertext, 'hex') from secrets where id = $2) as sealed
     from rekey.dek_material join rekey.deks on id = dek_id where tenant_id = $1`,
    [tenantId, damaged],
  );
  const secrets = [value, Buffer.from(rows[0]?.wrapped, 'hex'), Buffer.from(rows[0]?.sealed, 'hex')];
  for (const error of errors) {
    assert.ok(error instanceof Error, String(error));
    const shown = `${inspect(error, { depth: 9, showHidden: true, maxArrayLength: 1_000 })}${JSON.stringify(error)}`;
    for (const secret of secrets) {
      for (const form of [
        secret.toString(),
        secret.toString('hex'),
        secret.toString('base64'),
        [...secret].join(),
      ]) {
        assert.ok(!shown.includes(form), `${error.name}: ${error.message}`);
      }
    }
    assert.doesNotMatch(shown, /insert into|unnest|Buffer|failing row/i);
  }
});

function listening(): Promise<unknown> {
  return until(
    async () =>
      (
        await store.query(
          `select from pg_stat_activity where datname = current_database() and query like 'listen%'`,
        )
      ).rowCount !== 0,
    { what: 'the vault listens' },
  );
}
