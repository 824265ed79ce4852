import { Buffer } from 'node:buffer';
import { createCipheriv, randomFillSync, randomUUID } from 'node:crypto';
import {
  createRecordCipher,
  type DekKey,
  EnvelopeError,
  generateDek,
  importDek,
  type Outcome,
  type Reencryption,
} from '@rekey/envelope';
import { createOpenSslBatchCipher } from '../../packages/envelope/src/batch/openssl-batch.ts';
import { recordPlace } from '../../packages/envelope/src/record-cipher.ts';
import { type Watched, watched } from '../harness/ciphers.ts';
import { randomFrom } from '../harness/random.ts';
import { doHalf } from './half-done.ts';

export interface Fuzzed {
  done: number;
  refused: number;
  outOfBounds: number;
  halfDone: number;
  empty: number;
}

export interface FuzzOptions {
  readonly records: number;
  readonly seed: number;
  /** Sizes are log-uniform up to this. */
  readonly bytesMax: number;
  readonly onThousand?: (records: number) => void;
}

const passRecords = 500;
const margin = 16;

/**
 * Records good and hostile through the batch cipher on OpenSSL's addresses, each compared with what `node:crypto` makes
 * of it to the last byte; everything around the record and in the arenas is looked at after each.
 *
 * @throws Error that names the seed and the number of the record
 */
export function fuzzCipher({ records, seed, bytesMax, onThousand }: FuzzOptions): Fuzzed {
  const random = randomFrom(seed);
  const openssl = watched();
  const cipher = createOpenSslBatchCipher(openssl);
  const arenas = openssl.memories.filter(({ length }) => length >= 32); // of the key and the plaintext
  const keys = Array.from({ length: 4 }, () => importDek(generateDek()));
  const seen: Fuzzed = { done: 0, refused: 0, outOfBounds: 0, halfDone: 0, empty: 0 };
  for (let record = 0; record < records; ) {
    const tenantId = randomUUID();
    const column = 'c'.repeat(1 + upTo(random, random() < 0.1 ? 3_000 : 60));
    const to = pick(random, keys);
    const toKeyNumber = 1 + upTo(random, 2 ** 31 - 2);
    const pass = cipher.begin({ tenantId, column, to, toKeyNumber });
    const place = { tenantId, column, keys, to, toKeyNumber };
    try {
      for (let n = 0; n < passRecords && record < records; n += 1, record += 1) {
        if (record % 1_000 === 0) onThousand?.(record);
        tryOne(pass, openssl, random, place, bytesMax, seen);
        if (random() < 0.02) pass.retain(new Set([pick(random, keys)]));
        if (!arenas.every(isZero)) throw new Error('something was left in an arena');
      }
    } catch (error) {
      throw new Error(`seed ${seed}, record ${record}`, { cause: error });
    } finally {
      pass.end();
    }
    if (openssl.contexts.size > 0) throw new Error(`seed ${seed}: contexts are left`);
    openssl.memories.length = 0;
  }
  return seen;
}

interface Place {
  readonly tenantId: string;
  readonly column: string;
  readonly keys: readonly DekKey[];
  readonly to: DekKey;
  readonly toKeyNumber: number;
}

function tryOne(
  pass: Reencryption,
  openssl: Watched,
  random: () => number,
  place: Place,
  bytesMax: number,
  seen: Fuzzed,
): void {
  const records = createRecordCipher(place);
  const from = pick(random, place.keys);
  const text = bytesOf(logUniform(random, bytesMax));
  const id = bytesOf(random() < 0.02 ? upTo(random, 2_700) : upTo(random, 40));
  const sealed = records.seal(from, 1 + upTo(random, 1_000), id, text);
  const { ciphertext, boundTo, key } =
    random() < 0.4
      ? { ciphertext: sealed, boundTo: id, key: from }
      : alter(random, sealed, id, from, place.keys);
  const before = bytesOf(margin + upTo(random, 64));
  const source = Buffer.concat([before, boundTo, bytesOf(upTo(random, 9)), ciphertext, bytesOf(margin)]);
  const [idAt, at] = [before.length, source.length - margin - ciphertext.length];
  const copy = Buffer.from(source);
  const start = margin + upTo(random, 64);
  const into = Buffer.alloc(start + ciphertext.length + margin, 0xee);
  if (random() < 0.25) {
    // The first one that a pass makes is the one to seal with.
    const contexts = [...openssl.contexts];
    const context = upTo(random, contexts.length - 1);
    doHalf(openssl, contexts[context] ?? 0n, context === 0 ? 'seal' : 'open', random);
    seen.halfDone += 1;
  }
  if (random() < 0.01) {
    outOfBounds(pass, random, key, source, into);
    seen.outOfBounds += 1;
  }
  const outcome = pass.reencrypt(key, source, idAt, boundTo.length, at, ciphertext.length, into, start);
  const expected = judged(records, key, boundTo, ciphertext);
  if (outcome !== expected.outcome) throw new Error(`${outcome} instead of ${expected.outcome}`);
  if (!source.equals(copy)) throw new Error('the source was altered');
  const [left, right] = [into.subarray(0, start), into.subarray(start + ciphertext.length)];
  if (![left, right].every((part) => part.every((byte) => byte === 0xee)))
    throw new Error('something was written beside the record');
  if (expected.text === null) {
    seen.refused += 1;
    return;
  }
  seen.done += 1;
  if (expected.text.length === 0) seen.empty += 1;
  const anew = into.subarray(start, start + ciphertext.length);
  if (!anew.equals(sealedByNode(place, boundTo, anew.subarray(5, 17), expected.text)))
    throw new Error('other bytes than those of node:crypto');
}

function judged(
  records: ReturnType<typeof createRecordCipher>,
  key: DekKey,
  id: Buffer,
  ciphertext: Buffer,
): { readonly outcome: Outcome; readonly text: Buffer | null } {
  try {
    return { outcome: 'done', text: records.open(key, id, ciphertext) };
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    if (error.code !== 'MALFORMED' && error.code !== 'AUTHENTICATION_FAILED') throw error;
    return { outcome: error.code, text: null };
  }
}

function sealedByNode(
  { tenantId, column, to, toKeyNumber }: Place,
  id: Buffer,
  iv: Buffer,
  text: Buffer,
): Buffer {
  const header = Buffer.alloc(5, 1);
  header.writeUInt32BE(toKeyNumber, 1);
  const cipher = createCipheriv('aes-256-gcm', to, iv).setAAD(
    Buffer.concat([recordPlace(tenantId, column), id]),
  );
  return Buffer.concat([header, iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** One of the ways in which a record is not what it should be. */
function alter(
  random: () => number,
  sealed: Buffer,
  id: Buffer,
  key: DekKey,
  keys: readonly DekKey[],
): { ciphertext: Buffer; boundTo: Buffer; key: DekKey } {
  const flipped = (bytes: Buffer, from: number, to: number): Buffer => {
    const at = from + upTo(random, Math.max(0, to - from - 1));
    const other = Buffer.from(bytes);
    if (at < other.length) other[at] = (other[at] ?? 0) ^ (1 << upTo(random, 7));
    return other;
  };
  const end = sealed.length;
  switch (upTo(random, 8)) {
    case 0:
      return { ciphertext: flipped(sealed, end - 16, end), boundTo: id, key };
    case 1:
      return { ciphertext: flipped(sealed, 5, 17), boundTo: id, key };
    case 2:
      return { ciphertext: flipped(sealed, 17, end - 16), boundTo: id, key };
    case 3:
      return { ciphertext: sealed, boundTo: id, key: pick(random, keys) };
    case 4:
      return { ciphertext: sealed, boundTo: flipped(id, 0, id.length), key };
    case 5:
      return { ciphertext: sealed.subarray(0, upTo(random, end)), boundTo: id, key };
    case 6:
      return { ciphertext: Buffer.concat([sealed, bytesOf(upTo(random, 40))]), boundTo: id, key };
    case 7:
      return { ciphertext: flipped(sealed, 0, 5), boundTo: id, key };
    default:
      return { ciphertext: bytesOf(upTo(random, 200)), boundTo: id, key };
  }
}

function outOfBounds(
  pass: Reencryption,
  random: () => number,
  key: DekKey,
  source: Buffer,
  into: Buffer,
): void {
  const wrong = pick(random, [
    -1,
    Number.NaN,
    2 ** 31,
    2 ** 32 + 50,
    0.5,
    Number.POSITIVE_INFINITY,
    Math.max(source.length, into.length) + 1,
  ]);
  const numbers = [0, 4, 4, 33, 0];
  numbers[upTo(random, 4)] = wrong;
  const [idAt = 0, idBytes = 0, at = 0, bytes = 0, start = 0] = numbers;
  try {
    pass.reencrypt(key, source, idAt, idBytes, at, bytes, into, start);
  } catch (error) {
    if (error instanceof RangeError) return;
    throw error;
  }
  throw new Error(`${wrong} was taken`);
}

const zeros = Buffer.alloc(65_536);
const isZero = (memory: Buffer): boolean => memory.equals(zeros.subarray(0, memory.length));
const upTo = (random: () => number, most: number): number => Math.floor(random() * (most + 1));
const bytesOf = (length: number): Buffer => randomFillSync(Buffer.allocUnsafe(length));
const logUniform = (random: () => number, most: number): number => Math.floor((most + 1) ** random()) - 1;

function pick<Value>(random: () => number, values: readonly Value[]): Value {
  const value = values[upTo(random, values.length - 1)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}
