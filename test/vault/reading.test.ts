import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { SealedRow } from '@rekey/vault';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { outcome, refusal } from '../harness/vault-errors.ts';

const core = await rotationCore();
const { store, vault, database } = core;
const target = 'secrets';
const columns = { name: 'n' };

async function rowsOf(tenantId: string): Promise<SealedRow[]> {
  const { rows } = await store.query<{ id: string; ciphertext: Buffer }>(
    'select id, ciphertext from secrets where tenant_id = $1',
    [tenantId],
  );
  return rows.map((row) => ({ target, tenantId, ...row }));
}

test('rows that a query fetched open, before and after a rotation, and nowhere else', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const before = await rowsOf(tenantId);
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  const after = await rowsOf(tenantId);
  for (const vaultHere of [vault, core.anotherVault()]) {
    for (const row of [...before, ...after]) {
      assert.deepEqual(await vaultHere.open(row), firstSecret(row.id));
      assert.deepEqual(await vaultHere.open({ ...row, id: row.id.toUpperCase() }), firstSecret(row.id));
    }
  }
  const [row] = after;
  assert.ok(row !== undefined);
  const other = await core.createTenant();
  const damaged = Buffer.from(row.ciphertext);
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  const wrong: Array<[Partial<Record<keyof SealedRow, unknown>>, string]> = [
    [{ id: ids.find((id) => id !== row.id) }, 'UNREADABLE'],
    [{ tenantId: other }, 'UNREADABLE'],
    [{ target: 'credentials' }, 'UNREADABLE'],
    [{ ciphertext: damaged }, 'UNREADABLE'],
    [{ ciphertext: Buffer.alloc(0) }, 'UNREADABLE'],
    [{ ciphertext: Buffer.alloc(17 << 20) }, 'TOO_LARGE'],
    [{ ciphertext: '\\x01' }, 'INVALID_VALUE'],
    [{ ciphertext: null }, 'INVALID_VALUE'],
    [{ id: 'x' }, 'INVALID_ID'],
    [{ tenantId: 'x' }, 'INVALID_ID'],
    [{ target: 'nowhere' }, 'UNKNOWN_TARGET'],
  ];
  for (const [change, code] of wrong) {
    const given = { ...row, ...change } as SealedRow; // what JavaScript may hand in
    await assert.rejects(vault.open(given), refusal(code as 'UNREADABLE'), JSON.stringify(change));
  }
});

test('many records are got at once: those that there are, by the ids asked for', async () => {
  const { tenantId, ids } = await core.tenantWith(5);
  const other = await core.tenantWith(1);
  const [first = '', second = ''] = ids;
  const asked = [first.toUpperCase(), randomUUID(), ...ids, second, ...other.ids];
  for (const rotated of [false, true]) {
    if (rotated) await core.startAndRotate(tenantId);
    const got = await vault.getMany({ target, tenantId, ids: asked });
    assert.deepEqual([...got.keys()].sort(), [first.toUpperCase(), ...ids].sort());
    for (const [id, value] of got) assert.deepEqual(value, firstSecret(id.toLowerCase()));
  }
  assert.equal((await vault.getMany({ target, tenantId, ids: [] })).size, 0);
  assert.equal(await outcome(vault.getMany({ target, tenantId, ids: [first, 'x'] })), 'INVALID_ID');
  assert.equal(await outcome(vault.getMany({ target: 'nowhere', tenantId, ids })), 'UNKNOWN_TARGET');

  await store.query(
    'update secrets set ciphertext = (select ciphertext from secrets where id = $2) where id = $1',
    [first, second],
  );
  assert.equal(await outcome(vault.getMany({ target, tenantId, ids })), 'UNREADABLE');
  assert.equal((await vault.getMany({ target, tenantId, ids: ids.slice(1) })).size, 4);
});

test('values that one statement does not bring come with several, up to a limit', async () => {
  const tenantId = await core.createTenant();
  const records = Array.from({ length: 5 }, (_, n) => ({
    id: randomUUID(),
    value: Buffer.alloc(7 << 20, n),
    columns,
  }));
  await vault.putMany({ target, tenantId, records });
  const ids = records.map(({ id }) => id);
  const got = await vault.getMany({ target, tenantId, ids });
  for (const { id, value } of records) assert.ok(got.get(id)?.equals(value), id);
  const small = core.anotherVault({ valueBytesMax: 1 << 20 });
  assert.equal(await outcome(small.getMany({ target, tenantId, ids })), 'TOO_LARGE');
});

test('a record is deleted once, by its tenant only, alone or in a transaction', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const other = await core.createTenant();
  const [first = '', second = '', third = ''] = ids;
  assert.equal(await vault.delete({ target, tenantId: other, id: first }), false);
  assert.equal(await vault.delete({ target, tenantId, id: first }), true);
  assert.equal(await vault.delete({ target, tenantId, id: first }), false);
  assert.equal(await vault.get({ target, tenantId, id: first }), null);

  const client = await database.pool({ max: 1 }).connect();
  await client.query('begin');
  assert.equal(await vault.delete({ target, tenantId, id: second, client }), true);
  assert.equal((await vault.getMany({ target, tenantId, ids, client })).size, 1);
  assert.equal((await vault.getMany({ target, tenantId, ids })).size, 2);
  await client.query('rollback');
  client.release();
  assert.deepEqual(
    [...(await vault.getMany({ target, tenantId, ids })).keys()].sort(),
    [second, third].sort(),
  );
  assert.equal(await outcome(vault.delete({ target, tenantId, id: 'x' })), 'INVALID_ID');
});

test('records that are deleted while they are swept count as superseded', async () => {
  const { tenantId, ids } = await core.tenantWith(40);
  const deleted = ids.slice(0, 20);
  const [view] = await Promise.all([
    core.startAndRotate(tenantId),
    ...deleted.map((id) => vault.delete({ target, tenantId, id })),
  ]);
  assert.equal(view.status, 'completed');
  assert.equal((await vault.getMany({ target, tenantId, ids })).size, 20);
});
