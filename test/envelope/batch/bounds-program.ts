/** A program that asks for what is out of bounds, cold or after so many good records: it must see a RangeError each time. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { createRecordCipher, generateDek, importDek } from '@rekey/envelope';
import { createOpenSslBatchCipher } from '../../../packages/envelope/src/batch/openssl-batch.ts';
import { needOpenSsl } from '../../harness/ciphers.ts';

const [from, to] = [importDek(generateDek()), importDek(generateDek())];
const order = { tenantId: randomUUID(), column: 'secrets.ciphertext', to, toKeyNumber: 2 };
const id = Buffer.alloc(16, 7);
const sealed = createRecordCipher(order).seal(from, 1, id, Buffer.alloc(100, 1));
const source = Buffer.from(new ArrayBuffer(16 + sealed.length));
source.set(id);
source.set(sealed, 16);
const into = Buffer.from(new ArrayBuffer(sealed.length));
const pass = createOpenSslBatchCipher(needOpenSsl()).begin(order);
const good = [0, 16, 16, sealed.length, 0] as const;
type Numbers = [number, number, number, number, number];
const run = (
  [idAt, idBytes, at, bytes, start]: Readonly<Numbers>,
  memory: Buffer = source,
  target: Buffer = into,
): string => pass.reencrypt(from, memory, idAt, idBytes, at, bytes, target, start);

for (let record = 0; record < Number(process.argv[2]); record += 1)
  if (run(good) !== 'done') throw new Error('a good record is refused');

const wrong: unknown[] = [
  ...[
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0.5,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 50,
    2 ** 53,
    2 ** 64,
    -(2 ** 31),
  ],
  ...[undefined, null, '16', '0x10', 16n, {}, [16]],
];
let refused = 0;
const expectRange = (what: string, attempt: () => unknown): void => {
  try {
    attempt();
  } catch (error) {
    // A BigInt among numbers is a TypeError of JavaScript's own, before any call.
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    refused += 1;
    return;
  }
  throw new Error(`${what} was taken`);
};
for (let place = 0; place < good.length; place += 1) {
  for (const value of [
    ...wrong,
    (good[place] ?? 0) + 1 + source.length,
    (place === 3 ? good[3] : 0) + 2 ** 20,
  ]) {
    const numbers: unknown[] = [...good];
    numbers[place] = value;
    expectRange(`${String(value)} at ${place}`, () => run(numbers as Numbers));
  }
}
// One too many, on either side.
expectRange('a ciphertext of one byte more', () => run([0, 16, 16, sealed.length + 1, 0]));
expectRange('a ciphertext one byte further', () => run([0, 16, 17, sealed.length, 0]));
expectRange('a target one byte further', () => run([0, 16, 16, sealed.length, 1]));
expectRange('an id of one byte more than there is', () => run([0, source.length + 1, 16, sealed.length, 0]));
// Memory that is gone, that may change its size, or that is none.
expectRange('a record over itself', () => run([0, 16, 16, sealed.length, 3], source, source));
expectRange('shared memory', () => run(good, Buffer.from(new SharedArrayBuffer(source.length))));
expectRange('a resizable memory', () =>
  run(good, source, Buffer.from(new ArrayBuffer(into.length, { maxByteLength: 2 * into.length }))),
);
expectRange('a number for a memory', () => run(good, 5 as unknown as Buffer));
expectRange('an array for a memory', () => run(good, Array.from(source) as unknown as Buffer));
expectRange('an object with a length', () =>
  run(good, { length: 1_000_000, buffer: source.buffer } as Buffer),
);
if (run(good) !== 'done') throw new Error('the pass does not go on');
(into.buffer as ArrayBuffer).transfer();
expectRange('a detached target', () => run(good));
expectRange('a detached target once more', () => run(good));
(source.buffer as ArrayBuffer).transfer();
expectRange('a detached source', () => run(good, source, Buffer.alloc(sealed.length)));
process.stdout.write(`refused ${refused}\n`);
