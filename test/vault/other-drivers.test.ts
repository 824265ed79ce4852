import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createVault, type Db, type Queryable } from '@rekey/vault';
import type { PoolClient } from 'pg';
import { rotationCore } from '../harness/rotation.ts';
import { outcome } from '../harness/vault-errors.ts';

const core = await rotationCore();
const { store, kek, database } = core;

await store.query(`
  create table labels (id text primary key, tenant_id uuid not null, key_number int, ciphertext bytea, tags text[]);
  create index on labels (tenant_id, id);
  create table orders (id bigint primary key, tenant_id uuid not null, key_number int, ciphertext bytea, note text);
  create index on orders (tenant_id, id);
  select rekey.register_target('labels', 'credentials', 'labels'), rekey.register_target('orders', 'apiKeys', 'orders')`);

/** As an ORM throws what its driver threw. */
class OrmError extends Error {}

/** What another driver is like: it takes no arrays and no names of statements, and gives bytes of its own. */
function elsewhere(client: PoolClient): Queryable {
  return {
    async query(text, values = []) {
      assert.equal(typeof text, 'string');
      assert.equal(text.replace(/;\s*$/, '').includes(';'), false, 'one statement at a time');
      for (const value of values) {
        const isPlain =
          value === null ||
          ['string', 'number', 'boolean'].includes(typeof value) ||
          value instanceof Uint8Array;
        assert.ok(isPlain, `${typeof value} for ${text}`);
      }
      try {
        const { rows, rowCount } = await client.query(text, [...values]);
        const ofTheirs = (value: unknown) => (Buffer.isBuffer(value) ? new Uint8Array(value) : value);
        return {
          rows: rows.map((row) =>
            Object.fromEntries(Object.entries(row).map(([name, value]) => [name, ofTheirs(value)])),
          ),
          rowCount,
        };
      } catch (error) {
        throw new OrmError('the ORM says', { cause: new OrmError('its driver says', { cause: error }) });
      }
    },
  };
}

function driver(max: number): Db {
  const pool = database.pool({ max });
  const withClient = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  };
  return {
    query: (text, values) => withClient((client) => elsewhere(client).query(text, values)),
    transaction: (work) =>
      withClient(async (client) => {
        await client.query('begin');
        try {
          const result = await work(elsewhere(client));
          await client.query('commit');
          return result;
        } catch (error) {
          await client.query('rollback');
          throw error;
        }
      }),
  };
}

const records: Array<{ target: string; ids: string[]; columns?: Record<string, string> }> = [
  {
    target: 'secrets',
    ids: [randomUUID(), randomUUID().toUpperCase()],
    columns: { name: 'a "name" \\ {,}' },
  },
  { target: 'labels', ids: ['', "it's", 'a"b', '\\x41', '{,}', 'null', 'line\nbreak', '🔑'] },
  { target: 'orders', ids: ['-9223372036854775808', '0', '9223372036854775807'], columns: { note: 'NULL' } },
];

test('a vault works through another driver as through ours, over rotations', async () => {
  const vault = createVault({ store: driver(4), kek });
  const tenantId = randomUUID();
  await vault.createTenant({ tenantId, name: 'elsewhere' });
  for (let round = 0; round < 3; round += 1) {
    for (const { target, ids, columns } of records) {
      const value = (id: string) => Buffer.from(`${round} of ${id}`);
      const given = ids.map((id) => ({
        id,
        value: value(id),
        ...(columns === undefined ? {} : { columns }),
      }));
      await vault.putMany({ target, tenantId, records: given });
      const got = await vault.getMany({ target, tenantId, ids });
      for (const id of ids) {
        assert.deepEqual(await vault.get({ target, tenantId, id }), value(id), id);
        assert.deepEqual(got.get(id), value(id), id);
        // The core's own vault sees the same: nothing is bound to how it was written.
        assert.deepEqual(await core.vault.get({ target, tenantId, id }), value(id), id);
      }
    }
    assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  }
  const { rows } = await store.query('select distinct name from secrets where tenant_id = $1', [tenantId]);
  assert.deepEqual(rows, [{ name: 'a "name" \\ {,}' }]);
  for (const { target, ids } of records) {
    for (const id of ids) assert.equal(await vault.delete({ target, tenantId, id }), true, id);
  }
  await vault.close();
});

test('a put in a transaction of an ORM happens with it or not at all, and survives a switch in its midst', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const [id = ''] = ids;
  const client = await database.pool({ max: 1 }).connect();
  const tx = elsewhere(client);
  const value = Buffer.from('by the ORM');
  const ref = { target: 'secrets', tenantId, id, client: tx };

  await client.query('begin');
  await core.vault.put({ ...ref, value });
  assert.deepEqual(await core.vault.get(ref), value);
  await client.query('rollback');
  assert.notDeepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), value);

  // A cold vault has the DEK of neither: the savepoint is rolled back, and the put runs again within the transaction.
  const cold = core.anotherVault();
  await client.query('begin');
  await core.startAndRotate(tenantId);
  await cold.put({ ...ref, value });
  await client.query('commit');
  assert.deepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), value);
  client.release();
});

test('what Postgres says through an ORM is told in the words of the vault', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const [id = ''] = ids;
  const vault = createVault({ store: driver(2), kek });
  const other = await core.createTenant();
  const value = Buffer.from('v');
  const put = (record: object) =>
    outcome(vault.put({ target: 'secrets', tenantId, id: randomUUID(), value, ...record }));
  assert.equal(await put({ columns: {} }), 'INVALID_VALUE'); // the table wants a name
  assert.equal(await put({ columns: { name: 'x'.repeat(300) } }), 'INVALID_VALUE');
  assert.equal(await put({ columns: { none: 'x' } }), 'INVALID_VALUE');
  assert.equal(await put({ tenantId: other, id, columns: { name: 'n' } }), 'ID_TAKEN');
  assert.equal(await put({ tenantId: randomUUID(), columns: { name: 'n' } }), 'NO_ACTIVE_KEY');
  await vault.close();

  const silent: Queryable = {
    async query() {
      return { rows: [] };
    },
  };
  assert.notEqual(
    await outcome(core.vault.put({ target: 'secrets', tenantId, id, value, client: silent })),
    'done',
  );
  for (const store of [undefined, {}, { query: 1 }]) {
    assert.throws(() => createVault({ store: store as unknown as Db, kek }), {
      name: 'VaultError',
      code: 'INVALID_VALUE',
    });
  }
});
