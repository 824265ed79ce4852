import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createRecordCipher } from '@rekey/envelope';
import { createOpenSslBatchCipher } from '../../../packages/envelope/src/batch/openssl-batch.ts';
import { needOpenSsl, openssl } from '../../harness/ciphers.ts';
import { newKey } from '../arbitraries.ts';

const options = { skip: openssl === null ? 'this Node has no node:ffi' : false };
const [from, to] = [newKey(), newKey()];
const order = { tenantId: randomUUID(), column: 'credentials.ciphertext', to, toKeyNumber: 2 };
const id = Buffer.alloc(16, 7);

const sealedUnder = (key: typeof from, text: Buffer): Buffer =>
  Buffer.concat([id, createRecordCipher(order).seal(key, 1, id, text)]);

test('no two IVs of 300,000 are alike, and none is zero; a failed refill seals nothing', options, () => {
  const cipher = createOpenSslBatchCipher(needOpenSsl());
  const pass = cipher.begin(order);
  const source = sealedUnder(from, Buffer.alloc(0));
  const into = Buffer.alloc(33);
  const seen = new Set<string>(['0'.repeat(12)]);
  for (let n = 0; n < 300_000; n += 1) {
    pass.reencrypt(from, source, 0, 16, 16, 33, into, 0);
    seen.add(into.toString('latin1', 5, 17));
  }
  assert.equal(seen.size, 300_001);
  pass.end();

  let refills = 0;
  const failing = createOpenSslBatchCipher(needOpenSsl(), (bytes) => {
    refills += 1;
    if (refills > 1) throw new Error('no entropy');
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = 1 + (at % 255);
  }).begin(order);
  const text = sealedUnder(from, Buffer.from('a text'));
  const image = Buffer.alloc(text.length);
  const run = (): string => failing.reencrypt(from, text, 0, 16, 16, text.length - 16, image, 0);
  for (let n = 0; n < 1_024; n += 1) run();
  image.fill(0);
  assert.throws(run, /no entropy/);
  assert.deepEqual(image, Buffer.alloc(image.length), 'not a byte is sealed without an IV');
  assert.throws(run, /has ended/);
});
