import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { VaultError } from '@rekey/vault';
import { pastTheTriggers } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';
import { outcome, refusal } from '../harness/vault-errors.ts';

const core = await rotationCore();
const { vault } = core;
const tenantId = await core.createTenant();
const columns = { name: 'n' };
const MiB = 1 << 20;
const ref = (): { target: string; tenantId: string; id: string } => ({
  target: 'secrets',
  tenantId,
  id: randomUUID(),
});

test('a value is stored as it is, whatever memory it lies in', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
  shared.set([1, 2, 3]);
  const resized = new ArrayBuffer(4, { maxByteLength: 64 });
  const follows = new Uint8Array(resized);
  resized.resize(6);
  follows[5] = 9;
  const values: Array<[Uint8Array, Buffer]> = [
    [Buffer.of(), Buffer.of()],
    [new Uint8Array(), Buffer.of()],
    [shared, Buffer.of(1, 2, 3)],
    [follows, Buffer.of(0, 0, 0, 0, 0, 9)],
    [new Uint8Array([1, 2, 3, 4]).subarray(1, 3), Buffer.of(2, 3)],
    [Buffer.from('pooled'), Buffer.from('pooled')],
    [new (class extends Uint8Array {})([7]), Buffer.of(7)],
    [Buffer.alloc(MiB, 7), Buffer.alloc(MiB, 7)],
  ];
  for (const [value, wanted] of values) {
    const record = ref();
    await vault.put({ ...record, value, columns });
    assert.deepEqual(await vault.get(record), wanted);
  }
});

test('what is no value, or not any more, is refused and not stored as an empty one', async () => {
  const shrunk = new ArrayBuffer(8, { maxByteLength: 8 });
  const outOfBounds = new Uint8Array(shrunk, 4, 4);
  shrunk.resize(2);
  const detached = new Uint8Array([1, 2, 3]);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const wrong: unknown[] = [
    outOfBounds,
    detached,
    'text',
    null,
    undefined,
    [1, 2],
    new ArrayBuffer(2),
    new DataView(new ArrayBuffer(2)),
    new Uint16Array(2),
    { length: 0 },
    5,
  ];
  for (const value of wrong) {
    const record = ref();
    const put = vault.put({ ...record, value: value as Uint8Array, columns });
    await assert.rejects(put, refusal('INVALID_VALUE'));
    assert.equal(await vault.get(record), null);
  }
});

test('a put stores what it was given, though the caller changes it while the put is under way', async () => {
  for (let n = 0; n < 5; n += 1) {
    const record = ref();
    const value = Buffer.from('as it was');
    const names = { name: 'as it was' };
    const records = [{ id: record.id, value, columns: names }];
    const put = vault.putMany({ target: 'secrets', tenantId, records });
    value.fill('x');
    names.name = 'changed';
    records.pop();
    await put;
    assert.equal((await vault.get(record))?.toString(), 'as it was');
    const { rows } = await core.store.query('select name from secrets where id = $1', [record.id]);
    assert.deepEqual(rows, [{ name: 'as it was' }]);
    assert.equal(value.toString(), 'xxxxxxxxx'); // and is not wiped for the caller
  }
});

test('a value beyond 16 MiB is refused; one of exactly that comes back', async () => {
  const record = ref();
  const value = Buffer.alloc(16 * MiB, 5);
  await vault.put({ ...record, value, columns });
  assert.ok((await vault.get(record))?.equals(value));
  const larger = vault.put({ ...record, value: Buffer.alloc(16 * MiB + 1), columns });
  await assert.rejects(larger, refusal('TOO_LARGE'));
  const many = Array.from({ length: 17 }, () => ({ id: randomUUID(), value, columns }));
  await assert.rejects(vault.putMany({ target: 'secrets', tenantId, records: many }), refusal('TOO_LARGE'));
  const wide = { name: 'x'.repeat(16 * MiB + 1) };
  await assert.rejects(vault.put({ ...ref(), value: Buffer.of(1), columns: wide }), refusal('TOO_LARGE'));
});

test('the limit is an option of the vault, for put and for get', async () => {
  const small = core.anotherVault({ valueBytesMax: 1_000 });
  const record = ref();
  await small.put({ ...record, value: Buffer.alloc(1_000), columns });
  assert.equal((await small.get(record))?.length, 1_000);
  assert.equal(await outcome(small.put({ ...record, value: Buffer.alloc(1_001) })), 'TOO_LARGE');
  await vault.put({ ...record, value: Buffer.alloc(1_001) });
  await assert.rejects(small.get(record), refusal('TOO_LARGE'));
  await core.startAndRotate(tenantId); // the refused get has broken nothing
  assert.equal((await vault.get(record))?.length, 1_001);
  for (const valueBytesMax of [-1, 1.5, Number.NaN, 129 * MiB]) {
    assert.throws(
      () => core.anotherVault({ valueBytesMax }),
      (error) => error instanceof VaultError && error.code === 'INVALID_VALUE',
    );
  }
});

test('a stored record that is far too large is not fetched', async () => {
  const record = ref();
  await vault.put({ ...record, value: Buffer.of(1), columns });
  await pastTheTriggers(core.database.pool(), (tx) =>
    tx.query(
      `update secrets set ciphertext = substring(ciphertext from 1 for 5) || convert_to(repeat('x', 128 << 20), 'UTF8')
       where id = $1`,
      [record.id],
    ),
  );
  const before = process.memoryUsage().rss;
  await assert.rejects(vault.get(record), refusal('TOO_LARGE'));
  assert.ok(process.memoryUsage().rss - before < 64 * MiB, 'nothing of it was transferred');
  await core.store.query('delete from secrets where id = $1', [record.id]);
});
