import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leftBehind, unpackRecords } from '../../packages/data/src/packed-records.ts';

const someRecords = fc.array(
  fc.record({ id: fc.uint8Array({ maxLength: 20 }), ciphertext: fc.uint8Array({ maxLength: 60 }) }),
  { maxLength: 12 },
);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function pack(records: ReadonlyArray<{ readonly id: Uint8Array; readonly ciphertext: Uint8Array }>): Buffer {
  return Buffer.concat(
    records.flatMap(({ id, ciphertext }) => [int32(id.length), id, int32(ciphertext.length), ciphertext]),
  );
}

test('packed records are read back in their order, whole, with the sum of their sizes', () => {
  fc.assert(
    fc.property(someRecords, (records) => {
      const packed = unpackRecords(pack(records));
      assert.deepEqual(
        [...(packed ?? [])],
        records.map(({ id, ciphertext }) => ({ id: Buffer.from(id), ciphertext: Buffer.from(ciphertext) })),
      );
      assert.equal(packed?.length, records.length);
      assert.equal(
        packed?.bytes,
        records.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0),
      );
    }),
  );
});

test('records that are cut off anywhere throw, and are never taken for fewer or shorter ones', () => {
  fc.assert(
    fc.property(someRecords, fc.nat(), (records, at) => {
      const whole = pack(records);
      const edges = new Set(records.map((_, i) => pack(records.slice(0, i)).length));
      const cut = at % Math.max(1, whole.length);
      if (!edges.has(cut) && cut > 0) assert.throws(() => unpackRecords(whole.subarray(0, cut)));
    }),
  );
});

test('one record that was left behind makes the window none', () => {
  const packed = Buffer.concat([
    pack([{ id: Buffer.of(1), ciphertext: Buffer.of(2) }]),
    int32(1),
    Buffer.of(3),
    int32(leftBehind),
  ]);
  assert.equal(unpackRecords(packed), null);
});

test('an index beyond the records throws', () => {
  const packed = unpackRecords(pack([{ id: Buffer.of(1), ciphertext: Buffer.of(2) }]));
  assert.throws(() => packed?.at(1), RangeError);
  assert.throws(() => packed?.at(-1), RangeError);
});
