import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createRecordCipher, gcmSeal } from '@rekey/envelope';
import { createIvPool } from '../../packages/envelope/src/iv-pool.ts';
import { newKey } from './arbitraries.ts';

/** Fills with 0, 1, 2 … as IVs, so that a lost, repeated or half IV shows. */
function counting(): { fill: (bytes: Buffer) => void; fills: Buffer[]; count: number } {
  const counter = {
    fills: [] as Buffer[],
    count: 0,
    fill(bytes: Buffer) {
      for (let at = 0; at < bytes.length; at += 12) {
        bytes.fill(0xff, at, at + 8);
        bytes.writeUInt32BE(counter.count++, at + 8);
      }
      counter.fills.push(bytes);
    },
  };
  return counter;
}

test('every IV is handed out once, in order, across every refill', () => {
  for (const ivs of [1, 2, 3, 1_024]) {
    const counter = counting();
    const pool = createIvPool(ivs, counter.fill);
    assert.equal(counter.fills.length, 0, 'nothing is drawn before it is needed');
    const target = Buffer.alloc(20);
    for (let n = 0; n < ivs * 3 + 1; n++) {
      assert.equal(counter.fills.length, Math.ceil(n / ivs), `refills before IV ${n} of a pool of ${ivs}`);
      pool.moveNext(target, 5);
      assert.equal(target.readUInt32BE(5 + 8), n);
      assert.equal(target[5], 0xff);
      assert.equal(target.readUIntBE(0, 5) + target.readUIntBE(17, 3), 0, 'nothing else is written');
    }
  }
});

test('an IV that was handed out is no longer in the pool', () => {
  const counter = counting();
  const pool = createIvPool(3, counter.fill);
  for (let used = 1; used <= 3; used++) {
    pool.moveNext(Buffer.alloc(12), 0);
    const [bytes] = counter.fills;
    assert.ok(bytes);
    assert.deepEqual(bytes.subarray(0, used * 12), Buffer.alloc(used * 12));
    assert.ok(bytes.subarray(used * 12).every((byte, at) => at % 12 >= 8 || byte === 0xff));
  }
});

test('a refill that fails hands out nothing, and the next one does', () => {
  const counter = counting();
  let fails = true;
  const pool = createIvPool(2, (bytes) => {
    if (fails) throw new Error('no entropy');
    counter.fill(bytes);
  });
  const target = Buffer.alloc(12);
  assert.throws(() => pool.moveNext(target, 0), /no entropy/);
  assert.throws(() => pool.moveNext(target, 0), /no entropy/);
  assert.deepEqual(target, Buffer.alloc(12));
  fails = false;
  pool.moveNext(target, 0);
  pool.moveNext(target, 0);
  assert.equal(target.readUInt32BE(8), 1);
  fails = true;
  assert.throws(() => pool.moveNext(target, 0), /no entropy/);
});

test('no IV comes twice in 100,000 seals, and none is zero', () => {
  const key = newKey();
  const cipher = createRecordCipher({ tenantId: randomUUID(), column: 'secrets.ciphertext' });
  const nothing = Buffer.alloc(0);
  const id = Buffer.alloc(16);
  const seen = new Set<string>(['0'.repeat(24)]);
  for (let n = 0; n < 50_000; n++) {
    seen.add(cipher.seal(key, 1, id, nothing).toString('hex', 5, 17));
    seen.add(gcmSeal(key, nothing, nothing).toString('hex', 0, 12));
  }
  assert.equal(seen.size, 100_001);
});
