import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type BatchCipher, createRecordCipher } from '@rekey/envelope';
import { nodeBatchCipher } from '../../../packages/envelope/src/batch/node-batch.ts';
import { definitions } from '../../../packages/envelope/src/batch/openssl.ts';
import { createOpenSslBatchCipher } from '../../../packages/envelope/src/batch/openssl-batch.ts';
import { fuzzCipher } from '../../fuzz/cipher-fuzz.ts';
import { needOpenSsl, openssl } from '../../harness/ciphers.ts';
import { upToThreeTimes } from '../../harness/tries.ts';
import { newKey } from '../arbitraries.ts';

const options = { skip: openssl === null ? 'this Node has no node:ffi' : false };
const run = promisify(execFile);
const program = (name: string): string => new URL(name, import.meta.url).pathname;

for (const records of [0, 100_000]) {
  test(
    `what is out of bounds is a RangeError and no signal after ${records} good records`,
    options,
    async () => {
      // Rejects where the program ends with anything but 0.
      const { stdout } = await run(process.execPath, [program('bounds-program.ts'), String(records)]);
      assert.match(stdout, /^refused 1\d\d\n$/);
    },
  );
}

test('keys that are dropped while a pass goes on are collected, and it goes on', options, async () => {
  const { stdout } = await run(process.execPath, ['--expose-gc', program('key-dropped-program.ts')]);
  assert.match(stdout, /^keys [0-2], contexts 1\n$/);
});

test('20,000 records good and hostile are what node:crypto makes of them', options, () => {
  const seen = fuzzCipher({ records: 20_000, seed: Date.now() % 2 ** 31, bytesMax: 4_096 });
  assert.ok(seen.done > 5_000 && seen.refused > 5_000 && seen.halfDone > 1_000 && seen.empty > 100);
});

test('and large ones', options, () => {
  fuzzCipher({ records: 60, seed: Date.now() % 2 ** 31, bytesMax: 16 * 1024 * 1024 });
});

test('threads have arenas and contexts of their own', options, async () => {
  const code = `import(process.env.FUZZ).then(({ fuzzCipher }) =>
    require('node:worker_threads').parentPort.postMessage(fuzzCipher({ records: 1500, seed: ${process.pid}, bytesMax: 2000 })))`;
  const env = { ...process.env, FUZZ: new URL('../../fuzz/cipher-fuzz.ts', import.meta.url).href };
  for (let generation = 0; generation < 2; generation += 1) {
    const threads = Array.from({ length: 3 }, async () => {
      const thread = new Worker(code, { eval: true, env });
      return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
    });
    for (const seen of await Promise.all(threads)) assert.ok((seen as { done: number }).done > 300);
  }
});

/** @returns the pass of one record of 263 B, and what it takes to re-encrypt it once */
function oneRecordAgain(cipher: BatchCipher): { reencrypt(): void; end(): void } {
  const [from, to] = [newKey(), newKey()];
  const place = { tenantId: randomUUID(), column: 'secrets.ciphertext' };
  const id = Buffer.alloc(16, 7);
  const source = Buffer.concat([id, createRecordCipher(place).seal(from, 1, id, Buffer.alloc(230, 1))]);
  const into = Buffer.alloc(source.length);
  const pass = cipher.begin({ ...place, to, toKeyNumber: 2 });
  return {
    reencrypt: () => void pass.reencrypt(from, source, 0, 16, 16, source.length - 16, into, 0),
    end: () => pass.end(),
  };
}

/** CPU of each cipher in µs a record, of the best of many batches in turns: others on the machine only make it more. */
function bestMicroseconds(ofCiphers: readonly BatchCipher[], batches: number): readonly number[] {
  const passes = ofCiphers.map((cipher) => ({ best: Number.POSITIVE_INFINITY, ...oneRecordAgain(cipher) }));
  for (let batch = 0; batch < batches; batch += 1)
    for (const pass of passes) {
      const before = process.cpuUsage();
      for (let record = 0; record < 2_000; record += 1) pass.reencrypt();
      const { user, system } = process.cpuUsage(before);
      pass.best = Math.min(pass.best, (user + system) / 2_000);
    }
  return passes.map(({ best, end }) => {
    end();
    return best;
  });
}

// Beside node:crypto in the same run, since a machine may be three times as slow as another: without wrappers a record
// costs a twenty-fifth of what node:crypto takes, with them a third.
test(
  'the functions are OpenSSL’s own, without a wrapper in JavaScript: it would cost ten times as much',
  options,
  (t) =>
    upToThreeTimes(t, () => {
      const perRecord = Object.keys(definitions).filter((name) => name !== 'EVP_CIPHER_CTX_free');
      for (const name of perRecord) {
        const called = Object.entries(needOpenSsl()).find(([known]) => known === name)?.[1];
        assert.match(String(called), /\{ \[native code\] \}$/, name);
      }
      const ciphers = [createOpenSslBatchCipher(needOpenSsl()), nodeBatchCipher];
      const [ffi = 0, node = 0] = bestMicroseconds(ciphers, 40);
      t.diagnostic(`${ffi} µs of CPU a record, ${node} by node:crypto`);
      assert.ok(ffi * 7 < node, `a record takes ${ffi} µs of CPU, ${node} by node:crypto`);
    }),
);

test('a million records leave memory as it was', options, () => {
  const many = (batches: number) => bestMicroseconds([createOpenSslBatchCipher(needOpenSsl())], batches);
  many(100);
  const before = process.memoryUsage().rss;
  many(500);
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 16e6, `grown by ${grown} bytes`);
});
