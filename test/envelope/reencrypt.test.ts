import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createSecretKey, Decipheriv, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createRecordCipher, HEADER_BYTES, PREFIX_BYTES, readKeyNumber } from '@rekey/envelope';
import fc from 'fast-check';
import { newKey, refusal, someBytes, someKeyNumber } from './arbitraries.ts';

const key = newKey();
const otherKey = newKey();
const tenantId = randomUUID();
const column = 'credentials.ciphertext';
const cipher = createRecordCipher({ tenantId, column });

/** Into memory that holds other things on either side, which stay as they are. */
function reencrypt(order: Parameters<typeof cipher.reencrypt>[0]): Buffer {
  const into = Buffer.alloc(7 + order.ciphertext.length + 9, 0xee);
  cipher.reencrypt(order, into, 7);
  const anew = into.subarray(7, into.length - 9);
  assert.deepEqual(
    Buffer.concat([into.subarray(0, 7), into.subarray(into.length - 9)]),
    Buffer.alloc(16, 0xee),
  );
  return anew;
}
const recordId = Buffer.alloc(16, 7);
const plaintext = Buffer.from('the plaintext of a record');

test('re-encrypting is opening under the old key and sealing under the new', () => {
  fc.assert(
    fc.property(someBytes(40), someBytes(), someKeyNumber(), (id, text, toKeyNumber) => {
      const ciphertext = cipher.seal(key, 1, id, text);
      const before = Buffer.from(ciphertext);
      const anew = reencrypt({ recordId: id, ciphertext, from: key, to: otherKey, toKeyNumber });
      assert.deepEqual(ciphertext, before);
      assert.equal(readKeyNumber(anew), toKeyNumber);
      assert.equal(anew.length, ciphertext.length);
      assert.deepEqual(cipher.open(otherKey, id, anew), text);
      assert.throws(() => cipher.open(key, id, anew), refusal('AUTHENTICATION_FAILED'));
      assert.notDeepEqual(
        anew.subarray(HEADER_BYTES, PREFIX_BYTES),
        ciphertext.subarray(HEADER_BYTES, PREFIX_BYTES),
      );
    }),
  );
});

test('re-encrypting refuses what opening refuses, with the same code', () => {
  const ciphertext = cipher.seal(key, 1, recordId, plaintext);
  const to = { to: otherKey, toKeyNumber: 2 };
  const refused = refusal('AUTHENTICATION_FAILED');
  assert.throws(() => reencrypt({ recordId, ciphertext, from: otherKey, ...to }), refused);
  assert.throws(
    () => reencrypt({ recordId, ciphertext: Buffer.alloc(33), from: key, ...to }),
    refusal('MALFORMED'),
  );
});

test('re-encrypting leaves no plaintext behind, whether it succeeds or fails', (t) => {
  const seen: Buffer[] = [];
  const update = Decipheriv.prototype.update;
  t.mock.method(Decipheriv.prototype, 'update', function (this: Decipheriv, data: Buffer) {
    const bytes: Buffer = Reflect.apply(update, this, [data]);
    assert.notDeepEqual(bytes, Buffer.alloc(bytes.length));
    seen.push(bytes);
    return bytes;
  });
  const ciphertext = cipher.seal(key, 1, recordId, plaintext);
  const damaged = Buffer.from(ciphertext);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
  const tooShort = createSecretKey(Buffer.alloc(16, 1));
  reencrypt({ recordId, ciphertext, from: key, to: otherKey, toKeyNumber: 2 });
  assert.throws(() => reencrypt({ recordId, ciphertext: damaged, from: key, to: otherKey, toKeyNumber: 2 }));
  assert.throws(() => reencrypt({ recordId, ciphertext, from: key, to: otherKey, toKeyNumber: 0 }));
  assert.throws(() => reencrypt({ recordId, ciphertext, from: key, to: tooShort, toKeyNumber: 2 }));
  assert.throws(() => cipher.open(key, recordId, damaged));
  assert.equal(seen.length, 5);
  for (const bytes of seen) assert.deepEqual(bytes, Buffer.alloc(plaintext.length));
});
