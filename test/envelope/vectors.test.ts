import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import {
  createRecordCipher,
  type EnvelopeErrorCode,
  gcmOpen,
  gcmSeal,
  type RecordIdType,
  readKeyNumber,
  recordIdBytes,
} from '@rekey/envelope';
import known from '../vectors/aes-256-gcm.json' with { type: 'json' };
import committed from '../vectors/envelope-v1.json' with { type: 'json' };
import { hex, rawGcm, refusal } from './arbitraries.ts';

for (const vector of committed.records) {
  const key = createSecretKey(hex(vector.key));
  const cipher = createRecordCipher(vector);
  const recordId = recordIdBytes(vector.idType as RecordIdType, vector.recordId);

  test(`the committed ciphertext opens: ${vector.name}`, () => {
    const ciphertext = hex(vector.ciphertext);
    assert.equal(readKeyNumber(ciphertext), vector.keyNumber);
    assert.equal(ciphertext.subarray(5, 17).toString('hex'), vector.iv);
    assert.equal(cipher.open(key, recordId, ciphertext).toString('hex'), vector.plaintext);
  });

  test(`sealing makes the committed layout and binds the committed AAD: ${vector.name}`, () => {
    const plaintext = hex(vector.plaintext);
    const ciphertext = cipher.seal(key, vector.keyNumber, recordId, plaintext);
    assert.deepEqual(ciphertext.subarray(0, 5), hex(vector.ciphertext).subarray(0, 5));
    assert.deepEqual(
      ciphertext.subarray(17),
      rawGcm(key, ciphertext.subarray(5, 17), hex(vector.aad), plaintext),
    );
  });

  test(`the committed parts make the committed ciphertext: ${vector.name}`, () => {
    const sealed = rawGcm(key, hex(vector.iv), hex(vector.aad), hex(vector.plaintext));
    const header = Buffer.alloc(5, 1);
    header.writeUInt32BE(vector.keyNumber, 1);
    assert.equal(Buffer.concat([header, hex(vector.iv), sealed]).toString('hex'), vector.ciphertext);
  });
}

for (const { name, code, ciphertext } of committed.refused) {
  test(`the committed alteration is refused: ${name}`, () => {
    const [first] = committed.records;
    assert.ok(first);
    const recordId = recordIdBytes(first.idType as RecordIdType, first.recordId);
    const open = () =>
      createRecordCipher(first).open(createSecretKey(hex(first.key)), recordId, hex(ciphertext));
    assert.throws(open, refusal(code as EnvelopeErrorCode));
  });
}

for (const { name, key, iv, aad, plaintext, ciphertext, tag } of known.cases) {
  test(`AES-256-GCM agrees with test case ${name} of its specification`, () => {
    const secretKey = createSecretKey(hex(key));
    assert.equal(gcmOpen(secretKey, hex(aad), hex(iv + ciphertext + tag)).toString('hex'), plaintext);
    assert.equal(rawGcm(secretKey, hex(iv), hex(aad), hex(plaintext)).toString('hex'), ciphertext + tag);
    const sealed = gcmSeal(secretKey, hex(aad), hex(plaintext));
    assert.deepEqual(
      sealed.subarray(12),
      rawGcm(secretKey, sealed.subarray(0, 12), hex(aad), hex(plaintext)),
    );
  });
}
