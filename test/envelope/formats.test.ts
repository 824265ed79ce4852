import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { EnvelopeError, formatOf, formats, generateDek, importDek, openBatchCipher } from '@rekey/envelope';

const key = importDek(generateDek());
const place = { tenantId: randomUUID(), column: 'secrets.ciphertext' };
const recordId = randomBytes(16);
const lengths = [0, 1, 15, 16, 17, 100, 70_000];

for (const format of formats) {
  test(`${format.name}: what it says of a value is so, whatever its length`, () => {
    const records = format.at(place);
    for (const length of lengths) {
      const plaintext = randomBytes(length);
      const sealed = records.seal(key, 7, recordId, plaintext);
      assert.equal(sealed.length, format.sealedBytes(length));
      const memory = Buffer.concat([Buffer.alloc(3), sealed, Buffer.alloc(3)]);
      assert.equal(format.keyOf(memory, 3, sealed.length), 7);
      assert.deepEqual(records.open(key, recordId, sealed), plaintext);
    }
    assert.equal(format.keyOf(Buffer.alloc(0), 0, 0), null);
    assert.throws(() => format.keyOf(Buffer.alloc(40), 20, 40), RangeError);
  });

  test(`${format.name}: the identity is the beginning of a value and no other seal has it`, () => {
    const records = format.at(place);
    const seals = Array.from({ length: 1_000 }, () => records.seal(key, 1, recordId, Buffer.of(1)));
    assert.equal(
      new Set(seals.map((sealed) => format.identityOf(sealed).toString('hex'))).size,
      seals.length,
    );
    for (const sealed of [...seals.slice(0, 3), Buffer.alloc(3), Buffer.alloc(0)])
      assert.deepEqual(format.identityOf(sealed), sealed.subarray(0, format.identityBytes));
  });

  test(`${format.name}: the batch form opens and seals what the other opens, with another identity`, () => {
    const to = importDek(generateDek());
    const records = format.at(place);
    const pass = format.begin(openBatchCipher('auto').cipher, { ...place, to, toKeyNumber: 8 });
    try {
      for (const length of lengths) {
        const plaintext = randomBytes(length);
        const sealed = records.seal(key, 7, recordId, plaintext);
        const source = Buffer.concat([recordId, sealed]);
        const into = Buffer.alloc(sealed.length);
        assert.equal(pass.reencrypt(key, source, 0, 16, 16, sealed.length, into, 0), 'done');
        assert.equal(format.keyOf(into, 0, into.length), 8);
        assert.deepEqual(records.open(to, recordId, into), plaintext);
        assert.notDeepEqual(format.identityOf(into), format.identityOf(sealed));
      }
    } finally {
      pass.end();
    }
  });
}

test('names are unique, and one that is not there is said to be unknown', () => {
  assert.equal(new Set(formats.map(({ name }) => name)).size, formats.length);
  for (const format of formats) assert.equal(formatOf(format.name), format);
  assert.throws(
    () => formatOf('of-tomorrow'),
    (error) => error instanceof EnvelopeError && error.code === 'UNKNOWN_FORMAT',
  );
});
