import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { bigintBytes, recordIdBytes, uuidBytes } from '@rekey/envelope';
import fc from 'fast-check';
import { refusal } from './arbitraries.ts';

test('a UUID is its 16 bytes, in either case', () => {
  const bytes = Buffer.from('018f4c3a7b2d7e119a445d6e7f809a1b', 'hex');
  assert.deepEqual(uuidBytes('018f4c3a-7b2d-7e11-9a44-5d6e7f809a1b'), bytes);
  assert.deepEqual(recordIdBytes('uuid', '018F4C3A-7B2D-7E11-9A44-5D6E7F809A1B'), bytes);
});

test('only the form with four hyphens is a UUID', () => {
  const uuid = '018f4c3a-7b2d-7e11-9a44-5d6e7f809a1b';
  const others = [
    '',
    uuid.slice(1),
    `${uuid}0`,
    ` ${uuid}`,
    `${uuid}\n`,
    `{${uuid}}`,
    uuid.replaceAll('-', ''),
  ];
  for (const text of [
    ...others,
    uuid.replace('a', 'g'),
    '018f4c3a7-b2d-7e11-9a44-5d6e7f809a1b',
    'x'.repeat(36),
  ]) {
    assert.throws(() => uuidBytes(text), refusal('INVALID_ID'), JSON.stringify(text));
  }
});

test('a bigint is its 8 bytes in two’s complement, up to both ends', () => {
  const table = {
    '0': '0000000000000000',
    '1': '0000000000000001',
    '-1': 'ffffffffffffffff',
    '256': '0000000000000100',
    '9007199254740993': '0020000000000001',
    '9223372036854775806': '7ffffffffffffffe',
    '9223372036854775807': '7fffffffffffffff',
    '-9223372036854775807': '8000000000000001',
    '-9223372036854775808': '8000000000000000',
  };
  for (const [text, bytes] of Object.entries(table)) assert.equal(bigintBytes(text).toString('hex'), bytes);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(recordIdBytes('bigint', String(value)).readBigInt64BE(), value);
    }),
  );
});

test('only what Postgres writes as a bigint is one', () => {
  const beyond = ['9223372036854775808', '-9223372036854775809', '99999999999999999999'];
  for (const text of [...beyond, '', '-', '-0', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1\n', '١']) {
    assert.throws(() => bigintBytes(text), refusal('INVALID_ID'), JSON.stringify(text));
  }
});

test('a text id is its UTF-8, and no two texts have the same bytes', () => {
  assert.equal(recordIdBytes('text', 'ü📄').toString('hex'), 'c3bcf09f9384');
  assert.equal(recordIdBytes('text', '').length, 0);
  for (const text of ['\ud800', 'a\udc00b', 'a\0b']) {
    assert.throws(() => recordIdBytes('text', text), refusal('INVALID_ID'));
  }
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      fc.pre(!a.includes('\0') && !b.includes('\0'));
      assert.equal(recordIdBytes('text', a).equals(recordIdBytes('text', b)), a === b);
    }),
  );
});
