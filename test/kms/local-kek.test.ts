import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { isTransient, KmsError, openKek } from '@rekey/kms';
import fc from 'fast-check';
import vector from '../vectors/local-wrap-v1.json' with { type: 'json' };
import { hex, keyFile, refusal } from './key-files.ts';

const kekBytes = hex(vector.kek);
const aad = hex(vector.aad);
const kek = await openKek(`local:${await keyFile(kekBytes)}`);

test('a DEK unwraps to what was wrapped, and never wraps the same way twice', async () => {
  const dek = generateDek();
  const before = Buffer.from(dek);
  const [one, two] = await Promise.all([kek.wrap(dek, aad), kek.wrap(dek, aad)]);
  assert.deepEqual(dek, before);
  assert.equal(one.length, 69);
  assert.notDeepEqual(one, two);
  const unwrapped = await kek.unwrap(one, aad);
  assert.deepEqual(unwrapped, dek);
  assert.equal(unwrapped.buffer.byteLength, 32);
  assert.deepEqual(await kek.unwrap(two, aad), dek);
  assert.ok(!one.includes(dek.subarray(0, 8)));
});

test('the committed wrapped DEK unwraps, and wrapping makes the committed header', async () => {
  assert.deepEqual(dekWrapAad(vector.tenantId, vector.dekId), aad);
  assert.deepEqual(await kek.unwrap(hex(vector.wrapped), aad), hex(vector.dek));
  const wrapped = await kek.wrap(hex(vector.dek), aad);
  assert.equal(wrapped.toString('hex', 0, 9), `01${vector.fingerprint}`);
  assert.equal(vector.wrapped.slice(0, 18), `01${vector.fingerprint}`);
});

test('a DEK wrapped under another KEK is told apart from a damaged one', async () => {
  const other = await openKek(`local:${await keyFile(generateDek())}`);
  const wrapped = await other.wrap(generateDek(), aad);
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('NOT_FOUND', /another KEK/));
});

test('any flipped bit is refused, and only one in the fingerprint looks like another KEK', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  for (let bit = 0; bit < wrapped.length * 8; bit++) {
    const flipped = Buffer.from(wrapped);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const code = bit >= 8 && bit < 72 ? 'NOT_FOUND' : 'CORRUPT';
    await assert.rejects(kek.unwrap(flipped, aad), refusal(code), `bit ${bit}`);
  }
});

test('a wrapped DEK cut at any length is corrupt', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  for (let length = 0; length < wrapped.length; length++) {
    await assert.rejects(kek.unwrap(wrapped.subarray(0, length), aad), refusal('CORRUPT'));
  }
  await assert.rejects(kek.unwrap(Buffer.concat([wrapped, Buffer.of(0)]), aad), refusal('CORRUPT'));
});

test('a wrapped DEK of another tenant or another DEK does not unwrap', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  await fc.assert(
    fc.asyncProperty(fc.uuid(), fc.uuid(), async (tenantId, dekId) => {
      await assert.rejects(kek.unwrap(wrapped, dekWrapAad(tenantId, vector.dekId)), refusal('CORRUPT'));
      await assert.rejects(kek.unwrap(wrapped, dekWrapAad(vector.tenantId, dekId)), refusal('CORRUPT'));
    }),
    { numRuns: 20 },
  );
});

test('raw, hex and base64 of a key are the same KEK, with or without a line end', async () => {
  const wrapped = hex(vector.wrapped);
  const base64 = kekBytes.toString('base64');
  const lower = kekBytes.toString('hex');
  for (const text of [lower, lower.toUpperCase(), base64]) {
    for (const end of ['', '\n', '\r\n']) {
      const same = await openKek(`local:${await keyFile(text + end)}`);
      assert.deepEqual(await same.unwrap(wrapped, aad), hex(vector.dek));
    }
  }
});

test('every key reads the same from all three forms', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
      fc.pre(bytes.some((byte) => byte !== 0) && bytes.some((byte) => byte > 127));
      const key = Buffer.from(bytes);
      const raw = await openKek(`local:${await keyFile(key)}`);
      const wrapped = await raw.wrap(hex(vector.dek), aad);
      for (const text of [key.toString('hex'), key.toString('base64')]) {
        const same = await openKek(`local:${await keyFile(text)}`);
        assert.deepEqual(await same.unwrap(wrapped, aad), hex(vector.dek));
      }
    }),
    { numRuns: 25 },
  );
});

test('schemes that nobody serves are invalid, and what may be a secret is not repeated', async () => {
  for (const uri of [
    '',
    'hunter2',
    ':hunter2',
    '/etc/key',
    'LOCAL:/key',
    'file:/hunter2',
    'x'.repeat(10_000),
  ]) {
    await assert.rejects(openKek(uri), (error) => {
      assert.ok(refusal('INVALID_URI')(error));
      assert.ok(error instanceof Error && !error.message.includes('hunter2') && error.message.length < 200);
      return true;
    });
  }
});

test('a closed KEK does nothing more, and says so as trouble that passes', async () => {
  const closing = await openKek(`local:${await keyFile(kekBytes)}`);
  await closing.close();
  await closing.close();
  await assert.rejects(closing.wrap(hex(vector.dek), aad), refusal('UNAVAILABLE'));
  await assert.rejects(closing.unwrap(hex(vector.wrapped), aad), refusal('UNAVAILABLE'));
});

test('only UNAVAILABLE is transient', () => {
  const codes = [
    'INVALID_URI',
    'UNSUPPORTED_URI',
    'UNAVAILABLE',
    'DENIED',
    'NOT_FOUND',
    'NOT_HELD',
    'CORRUPT',
  ] as const;
  const transient = codes.filter((code) => isTransient(new KmsError(code, 'x')));
  assert.deepEqual(transient, ['UNAVAILABLE']);
  for (const other of [
    Object.assign(new Error('x'), { code: 'UNAVAILABLE' }),
    { code: 'UNAVAILABLE' },
    'UNAVAILABLE',
    null,
    undefined,
  ]) {
    assert.equal(isTransient(other), false);
  }
});
