import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createSecretKey, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  createRecordCipher,
  DEK_BYTES,
  type DekKey,
  EnvelopeError,
  HEADER_BYTES,
  IV_BYTES,
  OVERHEAD_BYTES,
  PREFIX_BYTES,
  readKeyNumber,
  TAG_BYTES,
} from '@rekey/envelope';
import fc from 'fast-check';
import { newKey, refusal, someBytes, someColumn, someKeyNumber, someTenant } from './arbitraries.ts';

const key = newKey();
const otherKey = newKey();
const tenantId = randomUUID();
const column = 'credentials.ciphertext';
const cipher = createRecordCipher({ tenantId, column });

const recordId = Buffer.alloc(16, 7);
const plaintext = Buffer.from('the plaintext of a record');

test('every plaintext of every record opens to what was sealed', () => {
  fc.assert(
    fc.property(
      someTenant(),
      someColumn(),
      someKeyNumber(),
      fc.array(fc.tuple(someBytes(64), someBytes()), { minLength: 1, maxLength: 5 }),
      (tenant, name, keyNumber, records) => {
        const one = createRecordCipher({ tenantId: tenant, column: name });
        const sealed = records.map(([id, text]) => one.seal(key, keyNumber, id, text));
        for (const [at, [id, text]] of records.entries()) {
          const ciphertext = sealed[at] ?? Buffer.alloc(0);
          assert.equal(ciphertext.length, text.length + OVERHEAD_BYTES);
          assert.equal(readKeyNumber(ciphertext), keyNumber);
          assert.deepEqual(one.open(key, id, ciphertext), text);
        }
      },
    ),
  );
});

test('lengths around the block and the pool open, and so does nothing at all', () => {
  for (const length of [
    0, 1, 15, 16, 17, 31, 32, 33, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 1_000_000,
  ]) {
    const text = Buffer.alloc(length, 0xa5);
    const opened = cipher.open(key, recordId, cipher.seal(key, 1, recordId, text));
    assert.equal(opened.length, length);
    assert.ok(opened.equals(text));
  }
});

test('the parts of the layout add up', () => {
  assert.deepEqual(
    [HEADER_BYTES, IV_BYTES, PREFIX_BYTES, TAG_BYTES, OVERHEAD_BYTES, DEK_BYTES],
    [5, 12, 17, 16, 33, 32],
  );
});

// The key number is a label outside GCM. What refuses a changed label is that it leads to another key, or to none.
test('any flipped bit anywhere is refused by whoever takes the key that the header names', () => {
  const keys = new Map<number, DekKey>([[7, key]]);
  for (let bit = 0; bit < 31; bit++) keys.set(7 ^ (1 << bit), otherKey);
  const openByHeader = (ciphertext: Buffer): Buffer => {
    const named = keys.get(readKeyNumber(ciphertext) ?? -1);
    if (named === undefined) throw new EnvelopeError('MALFORMED', 'names no key');
    return cipher.open(named, recordId, ciphertext);
  };
  for (const text of [Buffer.alloc(0), plaintext]) {
    const ciphertext = cipher.seal(key, 7, recordId, text);
    assert.deepEqual(openByHeader(ciphertext), text);
    for (let bit = 0; bit < ciphertext.length * 8; bit++) {
      const flipped = Buffer.from(ciphertext);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      assert.throws(() => openByHeader(flipped), EnvelopeError, `bit ${bit}`);
    }
  }
});

test('any flipped bit behind the header is refused under the right key', () => {
  fc.assert(
    fc.property(someBytes(200), fc.nat(), (text, n) => {
      const ciphertext = cipher.seal(key, 1, recordId, text);
      const bit = HEADER_BYTES * 8 + (n % ((ciphertext.length - HEADER_BYTES) * 8));
      ciphertext[bit >> 3] = (ciphertext[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => cipher.open(key, recordId, ciphertext), refusal('AUTHENTICATION_FAILED'));
    }),
  );
});

test('a ciphertext cut at any length is refused', () => {
  const ciphertext = cipher.seal(key, 1, recordId, plaintext);
  for (let length = 0; length < ciphertext.length; length++) {
    const code = length < OVERHEAD_BYTES ? 'MALFORMED' : 'AUTHENTICATION_FAILED';
    assert.throws(
      () => cipher.open(key, recordId, ciphertext.subarray(0, length)),
      refusal(code),
      `length ${length}`,
    );
  }
  const longer = Buffer.concat([ciphertext, Buffer.of(0)]);
  assert.throws(() => cipher.open(key, recordId, longer), refusal('AUTHENTICATION_FAILED'));
});

test('another key, tenant, column or record does not open a ciphertext', () => {
  const ciphertext = cipher.seal(key, 1, recordId, plaintext);
  const otherTenant = createRecordCipher({ tenantId: randomUUID(), column });
  const otherColumn = createRecordCipher({ tenantId, column: 'credentials.ciphertexu' });
  const refused = refusal('AUTHENTICATION_FAILED');
  assert.throws(() => cipher.open(otherKey, recordId, ciphertext), refused);
  assert.throws(() => otherTenant.open(key, recordId, ciphertext), refused);
  assert.throws(() => otherColumn.open(key, recordId, ciphertext), refused);
  assert.throws(() => cipher.open(key, Buffer.alloc(16, 8), ciphertext), refused);
  assert.throws(() => cipher.open(key, recordId.subarray(0, 15), ciphertext), refused);
  assert.deepEqual(cipher.open(key, recordId, ciphertext), plaintext);
});

test('no bytes can be moved between the column name and the record id', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 2, maxLength: 40 }), fc.nat(), (text, n) => {
      const cut = 1 + (n % (text.length - 1));
      const whole = createRecordCipher({ tenantId, column: text });
      const shorter = createRecordCipher({ tenantId, column: text.slice(0, cut) });
      const sealed = whole.seal(key, 1, Buffer.alloc(0), plaintext);
      const id = Buffer.from(text.slice(cut));
      assert.throws(() => shorter.open(key, id, sealed), refusal('AUTHENTICATION_FAILED'));
    }),
  );
});

test('the tenant is the same in upper and lower case', () => {
  const upper = createRecordCipher({ tenantId: tenantId.toUpperCase(), column });
  assert.deepEqual(upper.open(key, recordId, cipher.seal(key, 1, recordId, plaintext)), plaintext);
});

test('sealing leaves the plaintext as it is, and opening gives memory of its own', () => {
  const text = Buffer.from('stays');
  const ciphertext = cipher.seal(key, 1, recordId, text);
  assert.equal(text.toString(), 'stays');
  const opened = cipher.open(key, recordId, ciphertext);
  assert.equal(opened.buffer.byteLength, opened.length);
});

test('key numbers go from 1 to 2³¹ − 1', () => {
  for (const keyNumber of [1, 2, 255, 256, 65_535, 65_536, 2 ** 31 - 2, 2 ** 31 - 1]) {
    assert.equal(readKeyNumber(cipher.seal(key, keyNumber, recordId, plaintext)), keyNumber);
  }
  for (const keyNumber of [-1, 0, 2 ** 31, 2 ** 32 + 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => cipher.seal(key, keyNumber, recordId, plaintext), refusal('INVALID_KEY_NUMBER'));
  }
});

test('readKeyNumber never throws, and is null for every foreign form', () => {
  fc.assert(
    fc.property(someBytes(60), (bytes) => {
      const keyNumber = readKeyNumber(bytes);
      const label = bytes.length >= OVERHEAD_BYTES && bytes[0] === 1 ? bytes.readUInt32BE(1) : 0;
      assert.equal(keyNumber, label >= 1 && label < 2 ** 31 ? label : null);
    }),
  );
  const good = cipher.seal(key, 1, recordId, Buffer.alloc(0));
  assert.equal(readKeyNumber(good), 1);
  assert.equal(readKeyNumber(good.subarray(0, 32)), null);
});

test('a key of another size or kind is refused, for sealing and for opening', () => {
  for (const length of [16, 24, 31, 33]) {
    const wrong = createSecretKey(Buffer.alloc(length, 1));
    assert.throws(() => cipher.seal(wrong, 1, recordId, plaintext), refusal('INVALID_KEY'));
    assert.throws(
      () => cipher.open(wrong, recordId, cipher.seal(key, 1, recordId, plaintext)),
      refusal('INVALID_KEY'),
    );
  }
});

test('a tenant that is no UUID, and a column without a name or with too long a one, are refused', () => {
  const make = (tenant: string, name: string) => () => createRecordCipher({ tenantId: tenant, column: name });
  for (const tenant of ['', 'acme', `{${tenantId}}`, tenantId.replaceAll('-', ''), `${tenantId}\n`]) {
    assert.throws(make(tenant, column), refusal('INVALID_ID'));
  }
  for (const name of ['', 'x'.repeat(65_536), 'ü'.repeat(32_768), '\ud800']) {
    assert.throws(make(tenantId, name), refusal('INVALID_ID'));
  }
  make(tenantId, 'x'.repeat(65_535))();
});

test('no refusal carries bytes of a key, an id, a plaintext or a ciphertext', () => {
  const secret = Buffer.from('0123456789abcdefghijklmnopqrstuv');
  const secretKey = createSecretKey(Buffer.from(secret));
  const ciphertext = cipher.seal(key, 1, recordId, secret);
  const attempts = [
    () => cipher.open(secretKey, recordId, ciphertext),
    () => cipher.open(key, secret, ciphertext),
    () => cipher.open(key, recordId, secret),
    () => cipher.seal(createSecretKey(secret.subarray(0, 16)), 1, recordId, secret),
    () => createRecordCipher({ tenantId: secret.toString(), column }),
  ];
  for (const attempt of attempts) {
    assert.throws(attempt, (error) => {
      assert.ok(error instanceof EnvelopeError);
      assert.equal(error.cause, undefined);
      assert.deepEqual(Object.keys(error).sort(), ['code', 'name']);
      for (const bytes of [secret, ciphertext, recordId]) {
        for (const form of ['hex', 'base64', 'latin1'] as const) {
          assert.ok(!`${error.message}${error.stack}`.includes(bytes.subarray(0, 12).toString(form)));
        }
      }
      return true;
    });
  }
});
