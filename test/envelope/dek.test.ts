import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { dekWrapAad, generateDek, importDek } from '@rekey/envelope';
import { refusal } from './arbitraries.ts';

test('a DEK is 32 fresh bytes in memory of its own', () => {
  const deks = Array.from({ length: 100 }, generateDek);
  for (const dek of deks) {
    assert.equal(dek.length, 32);
    assert.equal(dek.buffer.byteLength, 32);
  }
  assert.equal(new Set(deks.map((dek) => dek.toString('hex'))).size, 100);
});

test('importing takes the bytes over and zeroes them', () => {
  const bytes = generateDek();
  const copy = Buffer.from(bytes);
  const key = importDek(bytes);
  assert.deepEqual(bytes, Buffer.alloc(32));
  assert.deepEqual(key.export(), copy);
});

test('only exactly 32 bytes are a DEK, and others are zeroed too', () => {
  for (const length of [0, 1, 16, 24, 31, 33, 64]) {
    const bytes = Buffer.alloc(length, 1);
    assert.throws(() => importDek(bytes), refusal('INVALID_KEY'));
    assert.deepEqual(bytes, Buffer.alloc(length));
  }
});

test('bytes that were imported before are refused: they are zeros by now', () => {
  const bytes = generateDek();
  importDek(bytes);
  assert.throws(() => importDek(bytes), refusal('INVALID_KEY'));
  const lastBit = Buffer.alloc(32);
  lastBit[31] = 1;
  importDek(lastBit);
});

test('a printed key shows no bytes', () => {
  const bytes = generateDek();
  const [hex, base64] = [bytes.toString('hex'), bytes.toString('base64')];
  const key = importDek(bytes);
  const printed = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  assert.ok(!printed.includes(hex) && !printed.includes(base64) && !printed.includes('Buffer'));
});

test('a wrapped DEK is bound to its tenant and its own id, in that order', () => {
  const tenantId = '00112233-4455-6677-8899-aabbccddeeff';
  const dekId = 'FFEEDDCC-BBAA-9988-7766-554433221100';
  const aad = dekWrapAad(tenantId, dekId).toString('hex');
  assert.equal(aad, '00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100');
  assert.throws(() => dekWrapAad(tenantId, `dek-${dekId}`), refusal('INVALID_ID'));
  assert.throws(() => dekWrapAad('', dekId), refusal('INVALID_ID'));
});
