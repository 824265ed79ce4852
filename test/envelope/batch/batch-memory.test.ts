import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { test } from 'node:test';
import { CipherFault, createRecordCipher, type DekKey } from '@rekey/envelope';
import type { OpenSsl } from '../../../packages/envelope/src/batch/openssl.ts';
import { createOpenSslBatchCipher } from '../../../packages/envelope/src/batch/openssl-batch.ts';
import { needOpenSsl, openssl, type Watched, watched } from '../../harness/ciphers.ts';
import { newKey } from '../arbitraries.ts';

const options = { skip: openssl === null ? 'this Node has no node:ffi' : false };
const [from, to] = [newKey(), newKey()];
const order = { tenantId: randomUUID(), column: 'credentials.ciphertext', to, toKeyNumber: 2 };
const records = createRecordCipher(order);
const id = Buffer.alloc(16, 7);
const plaintext = Buffer.from('a plaintext that is in no other memory than it must be');

const sealedUnder = (key: DekKey, text = plaintext): Buffer => {
  const sealed = records.seal(key, 1, id, text);
  return Buffer.concat([id, sealed]);
};

/** The room for a key and the room for plaintext: what is asked for when a cipher is made, but for the count. */
const arenasOf = ({ memories }: Watched): Buffer[] =>
  memories.filter(({ length }) => length === 32 || length >= 65_536);
const areWiped = (arenas: readonly Buffer[]): boolean =>
  arenas.every((memory) => memory.equals(Buffer.alloc(memory.length)));

/** How many errors OpenSSL has in its queue for whoever looks next. */
function queuedErrors(): number {
  const ffi = process.getBuiltinModule('node:ffi');
  const { functions } = ffi.dlopen(null, { ERR_peek_error: { return: 'uint64', arguments: [] } });
  return Number(functions.ERR_peek_error());
}

test(
  'after every record the rooms for key and plaintext are zeros, whether it succeeds or fails',
  options,
  () => {
    const seen: boolean[] = [];
    const real = needOpenSsl();
    let fails = false;
    const watcher = watched({
      // Called when the record is open and nothing is sealed yet.
      EVP_EncryptUpdate: (context, out, written, at, bytes) => {
        seen.push(arenasOf(watcher).some((memory) => memory.includes(plaintext)));
        if (fails) throw new Error('an exception in between');
        return real.EVP_EncryptUpdate(context, out, written, at, bytes);
      },
    });
    const cipher = createOpenSslBatchCipher(watcher);
    const arenas = arenasOf(watcher);
    assert.equal(arenas.length, 2);
    const pass = cipher.begin(order);
    assert.ok(areWiped(arenas), 'the key’s bytes are gone once the context has them');
    const source = sealedUnder(from);
    const into = Buffer.alloc(source.length);
    const length = source.length - 16;
    const run = (bytes: Buffer): string => pass.reencrypt(from, bytes, 0, 16, 16, length, into, 0);
    assert.equal(run(source), 'done');
    assert.ok(seen.includes(true), 'it was there in between');
    assert.ok(areWiped(arenas));
    assert.ok(!into.includes(plaintext));

    const damaged = Buffer.from(source);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    into.fill(0xee);
    assert.equal(run(damaged), 'AUTHENTICATION_FAILED');
    assert.ok(areWiped(arenas));
    assert.deepEqual(into, Buffer.alloc(into.length, 0xee), 'nothing unauthenticated is sealed');

    fails = true;
    assert.throws(() => run(source), /an exception in between/);
    assert.ok(areWiped(arenas));
    assert.ok(!into.includes(plaintext));
    assert.equal(watcher.contexts.size, 0, 'and the pass has ended');
  },
);

test('a room that was made larger for one record is wiped as well', options, () => {
  const watcher = watched();
  const cipher = createOpenSslBatchCipher(watcher);
  const pass = cipher.begin(order);
  const source = sealedUnder(from, Buffer.alloc(200_000, 0x5a));
  const into = Buffer.alloc(source.length);
  watcher.memories.length = 0;
  pass.reencrypt(from, source, 0, 16, 16, source.length - 16, into, 0);
  const rooms = watcher.memories.filter((memory) => memory !== source && memory !== into);
  assert.equal(rooms.length, 1);
  assert.ok(areWiped(rooms));
  pass.end();
});

test('no answer of OpenSSL but 1 is taken: nothing is left, and nothing goes on', options, () => {
  const refusing: (keyof OpenSsl)[] = [
    'EVP_DecryptInit_ex',
    'EVP_EncryptInit_ex',
    'EVP_DecryptUpdate',
    'EVP_EncryptUpdate',
    'EVP_DecryptFinal_ex',
    'EVP_EncryptFinal_ex',
    'EVP_CIPHER_CTX_ctrl',
    'EVP_CIPHER_CTX_new',
  ];
  const source = sealedUnder(from);
  let failures = 0;
  for (const name of refusing) {
    for (const [answer, pointer] of [
      [0, 0n],
      [-1, 0n],
    ] as const) {
      // The first call of that function fails, then the second, and so on until a record goes through without it.
      for (let healthy = 0; ; healthy += 1) {
        let calls = 0;
        const watcher = watched();
        const whole = watcher[name] as (...given: bigint[]) => bigint | number;
        Object.assign(watcher, {
          [name]: (...given: bigint[]) => {
            calls += 1;
            if (calls !== healthy + 1) return whole(...given);
            return name === 'EVP_CIPHER_CTX_new' ? pointer : answer;
          },
        });
        const cipher = createOpenSslBatchCipher(watcher);
        const into = Buffer.alloc(source.length);
        let outcome: unknown;
        try {
          const pass = cipher.begin(order);
          try {
            outcome = pass.reencrypt(from, source, 0, 16, 16, source.length - 16, into, 0);
          } finally {
            pass.end();
          }
        } catch (error) {
          outcome = error;
        }
        assert.ok(areWiped(arenasOf(watcher)), `${name} ${healthy}`);
        assert.equal(watcher.contexts.size, 0, `${name} ${healthy}: every context is freed`);
        assert.equal(queuedErrors(), 0);
        if (calls <= healthy) {
          assert.equal(outcome, 'done');
          break;
        }
        failures += 1;
        if (name === 'EVP_DecryptFinal_ex' && answer === 0) assert.equal(outcome, 'AUTHENTICATION_FAILED');
        else assert.ok(outcome instanceof CipherFault, `${name} ${healthy}: ${outcome}`);
        assert.ok(!into.includes(plaintext));
      }
    }
  }
  assert.equal(failures, 2 * (2 + 2 + 2 + 2 + 1 + 1 + 2 + 2), 'each of the calls was refused once');
});

test('an error that OpenSSL made is not left for node:crypto to tell of', options, () => {
  const real = needOpenSsl();
  const queued: number[] = [];
  const pass = createOpenSslBatchCipher({
    ...real,
    // A length of -1, as C sees it.
    EVP_DecryptUpdate: (context, out, count, at) =>
      real.EVP_DecryptUpdate(context, out, count, at, 0xffff_ffffn),
    ERR_clear_error: () => {
      queued.push(queuedErrors());
      real.ERR_clear_error();
    },
  }).begin(order);
  const source = sealedUnder(from);
  const into = Buffer.alloc(200);
  assert.throws(() => pass.reencrypt(from, source, 0, 16, 16, source.length - 16, into, 0), CipherFault);
  assert.ok((queued[0] ?? 0) > 0, 'there was one');
  assert.equal(queuedErrors(), 0);
});

test('a count of bytes that is not that of the text is not taken', options, () => {
  const real = needOpenSsl();
  for (const name of ['EVP_DecryptUpdate', 'EVP_EncryptUpdate'] as const) {
    const watcher = watched({
      [name]: (context: bigint, out: bigint, written: bigint, at: bigint, bytes: bigint) =>
        out === 0n
          ? real[name](context, out, written, at, bytes)
          : real[name](context, out, written, at, bytes - 1n),
    });
    const pass = createOpenSslBatchCipher(watcher).begin(order);
    const source = sealedUnder(from);
    assert.throws(
      () => pass.reencrypt(from, source, 0, 16, 16, source.length - 16, Buffer.alloc(200), 0),
      CipherFault,
    );
    assert.ok(areWiped(arenasOf(watcher)));
  }
});

test('contexts end with the pass, with their key, and where there are too many of them', options, () => {
  const watcher = watched();
  const cipher = createOpenSslBatchCipher(watcher);
  const keys = Array.from({ length: 40 }, newKey);
  const pass = cipher.begin(order);
  assert.equal(watcher.contexts.size, 1);
  const run = (key: DekKey): void => {
    const source = sealedUnder(key);
    const into = Buffer.alloc(source.length);
    assert.equal(pass.reencrypt(key, source, 0, 16, 16, source.length - 16, into, 0), 'done');
  };
  for (const key of [...keys, ...keys]) {
    run(key);
    assert.ok(watcher.contexts.size <= 17);
  }
  const [kept, other] = keys.slice(-2);
  assert.ok(kept && other);
  pass.retain(new Set([kept]));
  assert.equal(watcher.contexts.size, 2, 'to seal, and for the key that is left');
  const { made } = watcher;
  run(kept);
  run(kept);
  assert.equal(watcher.made, made, 'two records of one key need one context');
  run(other);
  assert.equal(watcher.made, made + 1);
  pass.retain(new Set());
  assert.equal(watcher.contexts.size, 1);
  pass.end();
  assert.equal(watcher.contexts.size, 0);
});

test('a pass that cannot begin leaves no context behind', options, () => {
  const watcher = watched();
  const cipher = createOpenSslBatchCipher(watcher);
  assert.throws(() => cipher.begin({ ...order, toKeyNumber: 0 }));
  assert.throws(() => cipher.begin({ ...order, column: '' }));
  assert.equal(watcher.contexts.size, 0);
});
