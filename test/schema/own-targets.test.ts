import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { loadRunning, switchDek } from '@rekey/control';
import { loadTargets, openRanges, readWindow } from '@rekey/data';
import { openSweepStore } from '@rekey/db';
import { fixedBatchSize, planRanges, sweepRange } from '@rekey/rotation';
import { VaultError } from '@rekey/vault';
import { patient } from '../harness/patient.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

await store.query(`
  create schema "The Shop";
  create table "The Shop"."Orders" (
    "Order No" bigint primary key, "Shop" uuid not null, "Key" int, "Sealed Card" bytea,
    note text not null default 'a note', total numeric(10, 2), tags text[] not null default '{a,b}',
    updated_at timestamptz not null default '2020-01-01');
  create index on "The Shop"."Orders" ("Shop", "Order No");
  select rekey.register_target('orders', 'apiKeys', '"The Shop"."Orders"', 'Order No', 'Shop', 'Key', 'Sealed Card');
  create table labels (id text primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
  create index on labels (tenant_id, id);
  select rekey.register_target('labels', 'credentials', 'labels')`);

const ids: Record<string, string[]> = {
  orders: ['-9223372036854775808', '-5', '0', '9', '10', '9223372036854775807'],
  labels: [
    '',
    ' ',
    "it's",
    '\\',
    '\\x41',
    'a"b',
    'tab\there',
    'line\nbreak',
    'é',
    'z',
    'Z',
    '🔑',
    '%s',
    '$1',
    'null',
    'x'.repeat(900),
  ],
};

for (const target of ['orders', 'labels']) {
  test(`a table of one's own is put, got and rotated range by range: ${target}`, async () => {
    const tenantId = await core.createTenant();
    const mine = ids[target] ?? [];
    const value = (id: string): Buffer => Buffer.from(`value of ${id}`);
    await vault.putMany({ target, tenantId, records: mine.map((id) => ({ id, value: value(id) })) });
    const table = (await loadTargets(store)).find(({ name }) => name === target)?.table;
    const plain = async (): Promise<unknown[]> =>
      (
        await store.query(
          `select to_jsonb(t) - '{Key,Sealed Card,key_number,ciphertext}'::text[] as r from ${table} t order by 1`,
        )
      ).rows;
    const before = await plain();

    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    const running = await loadRunning(store, order.rotationId);
    // Ranges of two records: every id is an edge of some range.
    await planRanges(core.env, { ...order, newKeyNumber: running?.newKeyNumber ?? 0 }, 2);
    const cut = (await openRanges(store, order.rotationId)).filter((range) => range.target === target);
    assert.equal(cut.length, mine.length / 2 + 1);
    const view = await core.finish(order.rotationId);
    assert.equal(view.status, 'completed');
    assert.equal(view.itemsRotated[target === 'orders' ? 'apiKeys' : 'credentials'], mine.length);

    for (const id of mine) assert.deepEqual(await vault.get({ target, tenantId, id }), value(id), id);
    assert.deepEqual(await plain(), before);
  });
}

test('a table that is registered while an application runs is put to and rotated', async () => {
  const tenantId = await core.createTenant();
  const put = (): Promise<void> => vault.put({ target: 'late', tenantId, id: '7', value: Buffer.from('x') });
  await assert.rejects(put(), (error) => error instanceof VaultError && error.code === 'UNKNOWN_TARGET');
  const rotationId = await core.start(tenantId);
  await store.query(`
    create table late (id bigint primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on late (tenant_id, id);
    select rekey.register_target('late', 'secrets', 'late')`);
  await put();
  assert.equal((await core.finish(rotationId)).itemsRotated.secrets, 1);
  assert.equal((await vault.get({ target: 'late', tenantId, id: '7' }))?.toString(), 'x');
});

test('one process works on two databases whose targets have the same name and another shape', async (t) => {
  const other = await rotationCore(t);
  await other.store.query(`
    create table marks (mark text primary key, owner uuid not null, n int, bytes bytea, colour text);
    create index on marks (owner, mark);
    select rekey.register_target('labels', 'credentials', 'marks', 'mark', 'owner', 'n', 'bytes')`);
  for (const { createTenant, vault: its, startAndRotate } of [core, other]) {
    const columns = its === other.vault ? { colour: 'red' } : {};
    const tenantId = await createTenant();
    const id = `the same ${tenantId}`;
    await its.put({ target: 'labels', tenantId, id, value: Buffer.from(id), columns });
    assert.equal((await startAndRotate(tenantId)).itemsRotated.credentials, 1);
    assert.equal((await its.get({ target: 'labels', tenantId, id }))?.toString(), id);
  }
});

test('a rotation changes no plain column, updated_at neither; a put sets it', async () => {
  const tenantId = await core.createTenant();
  const id = randomUUID();
  const columns = { name: 'n', username: 'u', updated_at: new Date('2020-01-01') };
  await vault.put({ target: 'credentials', tenantId, id, value: Buffer.from('x'), columns });
  const read = async (): Promise<Record<string, unknown>> =>
    (await store.query('select * from credentials where id = $1', [id])).rows[0] ?? {};
  const { key_number: _, ciphertext: sealed, ...before } = await read();
  await core.startAndRotate(tenantId);
  const { key_number: keyNumber, ciphertext: resealed, ...after } = await read();
  assert.deepEqual(after, before);
  assert.equal(keyNumber, 2);
  assert.notDeepEqual(resealed, sealed);
  await vault.put({ target: 'credentials', tenantId, id, value: Buffer.from('y') });
  const { updated_at: updated, ...rest } = await read();
  assert.ok(updated instanceof Date && updated.getFullYear() > 2020);
  assert.deepEqual([rest.name, rest.username, rest.created_at], ['n', 'u', before.created_at]);
});

/** A tenant between switch and sweep, with records of these sizes in the order of ids. */
async function swept(sizes: readonly number[]) {
  const tenantId = await core.createTenant();
  const records = sizes.map((size) => ({ id: randomUUID(), size }));
  records
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .forEach((record, i) => {
      record.size = sizes[i] ?? 0;
    });
  for (const { id, size } of records) {
    await vault.put({
      target: 'secrets',
      tenantId,
      id,
      value: Buffer.alloc(size, 1),
      columns: { name: 'n' },
    });
  }
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  const target = (await loadTargets(store)).find(({ name }) => name === 'secrets');
  const rotation = await loadRunning(store, order.rotationId);
  if (target === undefined || rotation === null) throw new Error('not running');
  return { tenantId, order, target, rotation, ids: records.map(({ id }) => id) };
}

test('a window is bounded by bytes: a record of 10 MB comes alone, and nothing is left out', async () => {
  const mb = 1024 * 1024;
  const { tenantId, target, ids: all } = await swept([10 * mb, 100, 3 * mb, 6 * mb, 100]);
  const windows: string[][] = [];
  for (let after: string | null = null; ; ) {
    const bounds = { tenantId, newKeyNumber: 2, after, itemsMax: 4_000, bytesMax: 8 * mb, identityBytes: 17 };
    const { records, next } = await readWindow(store, target, { lower: null, upper: null }, bounds);
    windows.push(
      [...records].map(({ id }) =>
        String(all.findIndex((one) => one.replaceAll('-', '') === id.toString('hex'))),
      ),
    );
    if (next === null) break;
    after = all[Number(windows.at(-1)?.at(-1))] ?? null;
  }
  assert.deepEqual(windows, [['0'], ['1', '2', '3'], ['4']]);
});

test('a window holds what stands between its edges on older keys, at most so many', async () => {
  const { tenantId, target, ids: all } = await swept([1, 1, 1, 1, 1, 1]);
  await vault.put({ target: 'secrets', tenantId, id: all[2] ?? '', value: Buffer.of(9) });
  const bounds = { tenantId, newKeyNumber: 2, after: null, itemsMax: 2, bytesMax: 1_000, identityBytes: 17 };
  const edges = { lower: all[0] ?? null, upper: all[4] ?? null };
  const read = async (after: string | null): Promise<{ found: number[]; isLast: boolean }> => {
    const { records, next } = await readWindow(store, target, edges, { ...bounds, after });
    const found = [...records].map(({ id }) =>
      all.findIndex((one) => one.replaceAll('-', '') === id.toString('hex')),
    );
    return { found, isLast: next === null };
  };
  assert.deepEqual(await read(null), { found: [1, 3], isLast: false });
  assert.deepEqual(await read(all[3] ?? null), { found: [4], isLast: true });
  assert.deepEqual(await read(all[4] ?? null), { found: [], isLast: true });
});

test('a batch is spread over its window, and a stopped sweep leaves the cursor before what is not written', async (t) => {
  const { tenantId, rotation, order, target, ids: all } = await swept(Array.from({ length: 12 }, () => 10));
  await planRanges(core.env, { ...order, newKeyNumber: 2 });
  const range = (await openRanges(store, order.rotationId)).find((open) => open.target === 'secrets');
  if (range === undefined) throw new Error('not planned');
  const stop = new AbortController();
  const sweepStore = openSweepStore({ ...patient, url: core.database.url, onError: () => {} });
  t.after(() => sweepStore.end());
  const writing = new Proxy(sweepStore, {
    get(pool, name) {
      if (name !== 'query') return Reflect.get(pool, name);
      return (statement: string | { text: string }, values: unknown[]) => {
        const text = typeof statement === 'string' ? statement : statement.text;
        if (text.includes('replaced as')) stop.abort(); // after the first batch
        return pool.query(statement, values);
      };
    },
  });
  const env = { ...core.env, sweepStore: writing, batchSize: fixedBatchSize(4) };
  assert.equal(await sweepRange(env, { rotation, target, range, signal: stop.signal }), 'stopped');
  const { rows } = await store.query(
    'select id from secrets where tenant_id = $1 and key_number = 2 order by id',
    [tenantId],
  );
  assert.deepEqual(
    rows.map(({ id }) => all.indexOf(id)),
    [0, 3, 6, 9],
  );
  const { rows: ranges } = await store.query(
    `select cursor_id, rotated::int, owner from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
    [order.rotationId],
  );
  assert.deepEqual(ranges, [{ cursor_id: null, rotated: 4, owner: null }]);
  const view = await core.finish(order.rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 12]);
});
