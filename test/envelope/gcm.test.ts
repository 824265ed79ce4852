import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { gcmOpen, gcmSeal } from '@rekey/envelope';
import fc from 'fast-check';
import { newKey, refusal, someBytes } from './arbitraries.ts';

const key = newKey();

test('what gcmSeal makes, gcmOpen opens with the same AAD only', () => {
  fc.assert(
    fc.property(someBytes(), someBytes(64), someBytes(64), (plaintext, aad, otherAad) => {
      const sealed = gcmSeal(key, aad, plaintext);
      assert.equal(sealed.length, plaintext.length + 28);
      assert.deepEqual(gcmOpen(key, aad, sealed), plaintext);
      if (!aad.equals(otherAad)) {
        assert.throws(() => gcmOpen(key, otherAad, sealed), refusal('AUTHENTICATION_FAILED'));
      }
    }),
  );
});

test('cut below an IV and a tag it is malformed, cut above it is refused', () => {
  const sealed = gcmSeal(key, Buffer.alloc(0), Buffer.of(1, 2, 3));
  for (let length = 0; length < sealed.length; length++) {
    const code = length < 28 ? 'MALFORMED' : 'AUTHENTICATION_FAILED';
    assert.throws(() => gcmOpen(key, Buffer.alloc(0), sealed.subarray(0, length)), refusal(code));
  }
});

test('a genuine tag that is shortened to 4 bytes is refused', () => {
  const iv = Buffer.alloc(12, 9);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 4 });
  const sealed = Buffer.concat([iv, cipher.update(Buffer.alloc(40)), cipher.final(), cipher.getAuthTag()]);
  assert.throws(() => gcmOpen(key, Buffer.alloc(0), sealed), refusal('AUTHENTICATION_FAILED'));
});
