import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createVault, openStore, type Vault } from '@rekey/vault';
import { Pool, types } from 'pg';
import { rotationCore } from '../harness/rotation.ts';
import { refusal } from '../harness/vault-errors.ts';

const core = await rotationCore();

/** What programs make of types, for all of their statements; by the types' oids. */
const habits: ReadonlyArray<[what: string, oids: readonly number[], parser: (text: string) => unknown]> = [
  ['whole numbers as BigInt', [20, 21, 23, 26], BigInt],
  ['whole numbers as text', [20, 21, 23, 26], String],
  ['bytes as text', [17], String],
  ['bytes as Uint8Array', [17], (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))],
  ['texts and uuids as objects', [18, 19, 25, 1043, 2950], (text) => ({ text })],
  ['booleans as text', [16], String],
  ['json as text', [114, 3802], String],
  ['moments as text', [1082, 1114, 1184], String],
  ['arrays as text', [1000, 1001, 1005, 1007, 1009, 1016, 1115, 1185, 2951], String],
];

function applicationsVault(t: TestContext, options: ConstructorParameters<typeof Pool>[0]): [Pool, Vault] {
  const pool = new Pool({ connectionString: core.database.url, max: 2, ...options });
  pool.on('error', () => {});
  const vault = createVault({ store: pool, kek: core.kek });
  t.after(async () => {
    await vault.close();
    await pool.end();
  });
  return [pool, vault];
}

async function doesItAll(pool: Pool, vault: Vault): Promise<void> {
  await vault.createTenant({ tenantId: randomUUID(), name: 'of a program with habits' });
  const { tenantId, ids } = await core.tenantWith(2);
  const [first = '', second = ''] = ids;
  const value = Buffer.from([0, 92, 255, 39, 1]);
  const at = { target: 'secrets', tenantId } as const;
  await vault.put({ ...at, id: first, value });
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  assert.deepEqual(await vault.get({ ...at, id: first }), value);
  const client = await pool.connect();
  try {
    await client.query('begin');
    await vault.put({ ...at, id: second, value, client });
    assert.deepEqual(await vault.get({ ...at, id: second, client }), value);
    await client.query('commit');
  } finally {
    client.release();
  }
  const all = await vault.getMany({ ...at, ids: [first, second] });
  assert.deepEqual(
    new Map(all),
    new Map([
      [first, value],
      [second, value],
    ]),
  );
  assert.deepEqual(await core.vault.get({ ...at, id: second }), value);
  assert.equal(await vault.delete({ ...at, id: second }), true);
}

for (const [what, oids, parser] of habits) {
  test(`a pool with ${what} stores and opens like any other`, async (t) => {
    const own = {
      getTypeParser: (oid: number, format?: 'text') =>
        oids.includes(oid) ? parser : types.getTypeParser(oid, format),
    };
    const [pool, vault] = applicationsVault(t, { types: own as unknown as typeof types });
    await doesItAll(pool, vault);
  });

  test(`so does a program that has ${what} everywhere`, async (t) => {
    const before = oids.map((oid) => types.getTypeParser(oid, 'text'));
    for (const oid of oids) types.setTypeParser(oid as number, parser);
    t.after(() => {
      oids.forEach((oid, i) => {
        types.setTypeParser(oid as number, before[i] ?? String);
      });
    });
    const [pool, vault] = applicationsVault(t, {});
    await doesItAll(pool, vault);
  });
}

test('bytes that the server writes in its older form are the same', async (t) => {
  const [pool, vault] = applicationsVault(t, { options: '-c bytea_output=escape' });
  await doesItAll(pool, vault);
});

test('a pool that takes results in binary is refused in words, and ends nothing', async (t) => {
  const [, vault] = applicationsVault(t, { binary: true } as object);
  const { tenantId, ids } = await core.tenantWith(1);
  const get = vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' });
  await assert.rejects(get, (error) => refusal('REFUSED')(error) && /binary/.test(String(error)));
  assert.ok(await core.vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }));
});

test('a client whose transaction is read-only is told so, and may go on with it', async (t) => {
  const [pool, vault] = applicationsVault(t, {});
  const { tenantId, ids } = await core.tenantWith(1);
  for (const how of ['begin read only', "begin; set local transaction_read_only = 'on'"]) {
    const client = await pool.connect();
    try {
      await client.query(how);
      const put = vault.put({ target: 'secrets', tenantId, id: randomUUID(), value: Buffer.of(1), client });
      await assert.rejects(
        put,
        (error) =>
          refusal('REFUSED')(error) && /read-only: begin one that may write \(25006\)/.test(String(error)),
      );
      assert.ok(await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '', client }));
    } finally {
      await client.query('rollback');
      client.release();
    }
  }
});

test('a client without a transaction, or with one that failed, is told so', async (t) => {
  const [pool, vault] = applicationsVault(t, {});
  const tenantId = await core.createTenant();
  const client = await pool.connect();
  try {
    const put = () =>
      vault.put({ target: 'secrets', tenantId, id: randomUUID(), value: Buffer.of(1), client });
    await assert.rejects(put(), refusal('REFUSED'));
    await assert.rejects(put(), /has no transaction open/);
    await client.query('begin');
    await client.query('select 1 / 0').catch(() => {});
    await assert.rejects(put(), /has failed before/);
    await client.query('rollback');
  } finally {
    client.release();
  }
});

for (const [what, oids, parser] of habits)
  test(`a pool of ours is opened in a program that has ${what} everywhere, by whichever of two hosts`, async (t) => {
    const { host, hostname, port } = new URL(core.database.url);
    const url = core.database.url.replace(host, `${hostname}:${port},${hostname}:${port}`);
    for (const oid of oids) {
      const before = types.getTypeParser(oid, 'text');
      types.setTypeParser(oid, parser);
      t.after(() => types.setTypeParser(oid, before));
    }
    const store = openStore({ url, max: 2, onError: () => {} });
    const vault = createVault({ store, kek: core.kek });
    t.after(async () => {
      await vault.close();
      await store.end();
    });
    const tenantId = randomUUID();
    await vault.createTenant({ tenantId, name: 'of a program with habits' });
    const at = { target: 'secrets', tenantId, id: randomUUID() } as const;
    await vault.put({ ...at, value: Buffer.of(1), columns: { name: 'a secret' } });
    assert.deepEqual(await vault.get(at), Buffer.of(1));
  });
