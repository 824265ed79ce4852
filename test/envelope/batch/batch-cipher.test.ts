import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createSecretKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  createRecordCipher,
  type DekKey,
  HEADER_BYTES,
  type Outcome,
  PREFIX_BYTES,
  type RecordIdType,
  type Reencryption,
  readKeyNumber,
  recordIdBytes,
} from '@rekey/envelope';
import fc from 'fast-check';
import { ciphers } from '../../harness/ciphers.ts';
import committed from '../../vectors/envelope-v1.json' with { type: 'json' };
import {
  hex,
  newKey,
  rawGcm,
  refusal,
  someBytes,
  someColumn,
  someKeyNumber,
  someTenant,
} from '../arbitraries.ts';

const from = newKey();
const to = newKey();
const tenantId = randomUUID();
const column = 'credentials.ciphertext';
const order = { tenantId, column, to, toKeyNumber: 2 };
const records = createRecordCipher(order);
const recordId = Buffer.alloc(16, 7);
const plaintext = Buffer.from('the plaintext of a record');

/** One record out of memory that holds other things on either side, into such memory. */
function reencrypt(
  pass: Reencryption,
  key: DekKey,
  id: Buffer,
  ciphertext: Buffer,
): { readonly outcome: Outcome; readonly anew: Buffer } {
  const source = Buffer.concat([Buffer.alloc(3, 1), id, Buffer.alloc(4, 2), ciphertext, Buffer.alloc(5, 3)]);
  const into = Buffer.alloc(7 + ciphertext.length + 9, 0xee);
  const at = 3 + id.length + 4;
  const outcome = pass.reencrypt(key, source, 3, id.length, at, ciphertext.length, into, 7);
  const end = into.length - 9;
  assert.deepEqual(Buffer.concat([into.subarray(0, 7), into.subarray(end)]), Buffer.alloc(16, 0xee));
  assert.deepEqual(source.subarray(at, at + ciphertext.length), ciphertext);
  return { outcome, anew: into.subarray(7, end) };
}

for (const { name, skip, make } of ciphers) {
  test(`${name}: every record of every place opens under the new key to what it was`, { skip }, () => {
    const cipher = make();
    fc.assert(
      fc.property(
        someTenant(),
        someColumn(),
        someKeyNumber(),
        fc.array(fc.tuple(someBytes(200), someBytes()), { minLength: 1, maxLength: 5 }),
        (tenant, name, toKeyNumber, some) => {
          const place = { tenantId: tenant, column: name };
          const one = createRecordCipher(place);
          const pass = cipher.begin({ ...place, to, toKeyNumber });
          for (const [id, text] of some) {
            const sealed = one.seal(from, 1, id, text);
            const { outcome, anew } = reencrypt(pass, from, id, sealed);
            assert.equal(outcome, 'done');
            assert.equal(readKeyNumber(anew), toKeyNumber);
            assert.deepEqual(one.open(to, id, anew), text);
            const [before, after] = [sealed, anew].map((bytes) => bytes.subarray(HEADER_BYTES, PREFIX_BYTES));
            assert.notDeepEqual(after, before, 'the IV is a new one');
          }
          pass.end();
        },
      ),
    );
  });

  test(`${name}: the bytes are those of the format`, { skip }, () => {
    for (const vector of committed.records) {
      const id = recordIdBytes(vector.idType as RecordIdType, vector.recordId);
      const key = createSecretKey(hex(vector.key));
      const pass = make().begin({ ...vector, to: key, toKeyNumber: vector.keyNumber });
      const { outcome, anew } = reencrypt(pass, key, id, hex(vector.ciphertext));
      assert.equal(outcome, 'done', vector.name);
      const sealed = rawGcm(key, anew.subarray(5, 17), hex(vector.aad), hex(vector.plaintext));
      assert.deepEqual(anew.subarray(17), sealed);
      assert.deepEqual(anew.subarray(0, 5), hex(vector.ciphertext).subarray(0, 5));
      pass.end();
    }
  });

  for (const { name: alteration, code, ciphertext } of committed.refused) {
    test(`${name}: the committed alteration is refused: ${alteration}`, { skip }, () => {
      const [first] = committed.records;
      assert.ok(first);
      const id = recordIdBytes(first.idType as RecordIdType, first.recordId);
      const pass = make().begin({ ...first, to, toKeyNumber: 2 });
      const key = createSecretKey(hex(first.key));
      assert.equal(reencrypt(pass, key, id, hex(ciphertext)).outcome, code);
      assert.equal(
        reencrypt(pass, key, id, hex(first.ciphertext)).outcome,
        'done',
        'and the next one is not',
      );
      pass.end();
    });
  }

  test(`${name}: any flipped bit behind the header, and any length cut, is refused`, { skip }, () => {
    const pass = make().begin(order);
    for (const text of [Buffer.alloc(0), plaintext]) {
      const sealed = records.seal(from, 1, recordId, text);
      for (let bit = HEADER_BYTES * 8; bit < sealed.length * 8; bit += 1) {
        const flipped = Buffer.from(sealed);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
        assert.equal(reencrypt(pass, from, recordId, flipped).outcome, 'AUTHENTICATION_FAILED', `bit ${bit}`);
      }
      for (let length = 0; length < sealed.length; length += 1) {
        const { outcome } = reencrypt(pass, from, recordId, sealed.subarray(0, length));
        assert.equal(outcome, length < 33 ? 'MALFORMED' : 'AUTHENTICATION_FAILED');
      }
    }
    pass.end();
  });

  test(`${name}: another key, tenant, column or record does not open`, { skip }, () => {
    const sealed = records.seal(from, 1, recordId, plaintext);
    const outcomes = [
      { ...order, tenantId: randomUUID() },
      { ...order, column: 'credentials.ciphertexu' },
      { ...order, column: `${column}\u0007` },
    ].map((place) => {
      const pass = make().begin(place);
      const { outcome } = reencrypt(pass, from, recordId, sealed);
      pass.end();
      return outcome;
    });
    const pass = make().begin(order);
    outcomes.push(
      reencrypt(pass, to, recordId, sealed).outcome,
      reencrypt(pass, from, Buffer.alloc(16, 8), sealed).outcome,
      reencrypt(pass, from, recordId.subarray(0, 15), sealed).outcome,
      reencrypt(pass, from, Buffer.concat([recordId, Buffer.of(0)]), sealed).outcome,
    );
    assert.deepEqual(outcomes, Array(7).fill('AUTHENTICATION_FAILED'));
    assert.equal(reencrypt(pass, from, recordId, sealed).outcome, 'done');
    pass.end();
  });

  test(`${name}: a key of another length or kind is refused, the first and after others`, { skip }, () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const wrong = [
      ...[0, 16, 24, 31, 33, 64].map((length) => createSecretKey(Buffer.alloc(length, 1))),
      pair.privateKey,
      pair.publicKey,
      Buffer.alloc(32, 1) as unknown as DekKey,
    ];
    const refused = refusal('INVALID_KEY');
    const sealed = records.seal(from, 1, recordId, plaintext);
    for (const key of wrong) {
      assert.throws(() => make().begin({ ...order, to: key }), refused);
      const first = make().begin(order);
      assert.throws(() => reencrypt(first, key, recordId, sealed), refused);
      first.end();
      const later = make().begin(order);
      assert.equal(reencrypt(later, from, recordId, sealed).outcome, 'done');
      assert.throws(() => reencrypt(later, key, recordId, sealed), refused);
      assert.equal(reencrypt(later, from, recordId, sealed).outcome, 'done', 'the pass goes on');
      later.end();
    }
  });

  test(`${name}: a place that is none, and a key number that is none, are refused`, { skip }, () => {
    const cipher = make();
    for (const tenant of ['', 'acme', tenantId.replaceAll('-', '')])
      assert.throws(() => cipher.begin({ ...order, tenantId: tenant }), refusal('INVALID_ID'));
    for (const text of ['', 'x'.repeat(65_536), '\ud800'])
      assert.throws(() => cipher.begin({ ...order, column: text }), refusal('INVALID_ID'));
    for (const toKeyNumber of [-1, 0, 2 ** 31, 1.5, Number.NaN])
      assert.throws(() => cipher.begin({ ...order, toKeyNumber }), refusal('INVALID_KEY_NUMBER'));
  });

  test(`${name}: passes of several places interleaved do not see each other`, { skip }, () => {
    const cipher = make();
    const places = Array.from({ length: 6 }, (_, n) => {
      const place = { tenantId: randomUUID(), column: `c${'x'.repeat(n * 7)}.ciphertext` };
      const key = newKey();
      return { place, key, pass: cipher.begin({ ...place, to: key, toKeyNumber: n + 1 }) };
    });
    for (let turn = 0; turn < 40; turn += 1) {
      for (const [n, { place, key, pass }] of places.entries()) {
        const id = Buffer.alloc((turn * 5 + n) % 90, turn);
        const one = createRecordCipher(place);
        const { outcome, anew } = reencrypt(pass, from, id, one.seal(from, 1, id, plaintext));
        assert.equal(outcome, 'done');
        assert.deepEqual(one.open(key, id, anew), plaintext);
      }
    }
    for (const { pass } of places) pass.end();
  });

  test(`${name}: a text longer than the room for plaintext opens, and a short one after it`, { skip }, () => {
    const pass = make().begin(order);
    for (const length of [10, 70_000, 3_000_000, 1, 65_536, 1_048_577, 0]) {
      const text = Buffer.alloc(length, 0xa5);
      const { anew } = reencrypt(pass, from, recordId, records.seal(from, 1, recordId, text));
      assert.ok(records.open(to, recordId, anew).equals(text));
    }
    pass.end();
  });

  test(`${name}: nothing goes on in a pass that has ended; to end it twice is nothing`, { skip }, () => {
    const pass = make().begin(order);
    const sealed = records.seal(from, 1, recordId, plaintext);
    reencrypt(pass, from, recordId, sealed);
    pass.end();
    pass.end();
    assert.throws(() => reencrypt(pass, from, recordId, sealed), /has ended/);
  });
}
