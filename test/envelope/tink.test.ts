import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createSecretKey, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createRecordCipher, generateDek, readKeyNumber, uuidBytes } from '@rekey/envelope';
import { refusal } from './arbitraries.ts';

// Tink for JavaScript was written for browsers and looks for `self` when it loads.
Object.assign(globalThis, { self: globalThis });
const { aead, binaryInsecure } = await import('tink-crypto');
aead.register();

// A Tink keyset is a protocol buffer: fields of (number << 3 | type), 0 = varint, 2 = length and bytes.
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const number = (field: number, value: number): Buffer =>
  Buffer.from([...varint(field << 3), ...varint(value)]);
const bytes = (field: number, ...value: Buffer[]): Buffer => {
  const all = Buffer.concat(value);
  return Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(all.length)]), all]);
};

/** The keyset that a tenant's DEKs make: the key number is the key id, the output prefix is TINK. */
function tinkAead(primary: number, deks: ReadonlyMap<number, Buffer>) {
  const keys = Array.from(deks, ([keyNumber, dek]) => {
    const typeUrl = bytes(1, Buffer.from('type.googleapis.com/google.crypto.tink.AesGcmKey'));
    const keyData = bytes(1, typeUrl, bytes(2, bytes(3, dek)), number(3, 1));
    return bytes(2, keyData, number(2, 1), number(3, keyNumber), number(4, 1));
  });
  return binaryInsecure
    .deserializeKeyset(Buffer.concat([number(1, primary), ...keys]))
    .getPrimitive<InstanceType<typeof aead.Aead>>(aead.Aead);
}

const tenantId = randomUUID();
const column = 'credentials.ciphertext';
const cipher = createRecordCipher({ tenantId, column });
const recordId = uuidBytes(randomUUID());
const aad = Buffer.concat([uuidBytes(tenantId), Buffer.of(0, column.length), Buffer.from(column), recordId]);

test('Tink opens what this seals, and this opens what Tink seals, under whichever key the number names', async () => {
  const deks = new Map([1, 2, 258, 2 ** 31 - 1].map((keyNumber) => [keyNumber, generateDek()]));
  for (const [keyNumber, dek] of deks) {
    const tink = await tinkAead(keyNumber, deks);
    const key = createSecretKey(dek);
    for (const length of [0, 1, 16, 300, 5_000]) {
      const plaintext = Buffer.alloc(length, 0x5a);
      const opened = await tink.decrypt(cipher.seal(key, keyNumber, recordId, plaintext), aad);
      assert.deepEqual(Buffer.from(opened), plaintext);
      const sealed = Buffer.from(await tink.encrypt(plaintext, aad));
      assert.equal(readKeyNumber(sealed), keyNumber);
      assert.deepEqual(cipher.open(key, recordId, sealed), plaintext);
    }
  }
});

test('Tink refuses our ciphertext in another place, and this refuses Tink’s', async () => {
  const dek = generateDek();
  const tink = await tinkAead(9, new Map([[9, dek]]));
  const elsewhere = Buffer.from(aad);
  elsewhere[0] = (elsewhere[0] ?? 0) ^ 1;
  const sealed = cipher.seal(createSecretKey(dek), 9, recordId, Buffer.of(1));
  await assert.rejects(tink.decrypt(sealed, elsewhere));
  const foreign = Buffer.from(await tink.encrypt(Buffer.of(1), elsewhere));
  assert.throws(() => cipher.open(createSecretKey(dek), recordId, foreign), refusal('AUTHENTICATION_FAILED'));
});
