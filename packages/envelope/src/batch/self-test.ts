import { Buffer } from 'node:buffer';
import { createSecretKey } from 'node:crypto';
import { HEADER_BYTES, OVERHEAD_BYTES, PREFIX_BYTES } from '../ciphertext-layout.ts';
import { generateDek, importDek } from '../dek.ts';
import { EnvelopeError } from '../envelope-error.ts';
import { createRecordCipher } from '../record-cipher.ts';
import type { BatchCipher, Outcome, Reencryption } from './batch-cipher.ts';

/** The first of test/vectors/envelope-v1.json: what must come out of it, and what it must open. */
const known = {
  tenantId: '3f2b8c1e-94d7-4a60-8b15-c0ffee00d1ce',
  column: 'credentials.ciphertext',
  key: 'cbaf65ec23a6122aab5ba45c2e0ac49da7ecb59b832490eac6d75c1de8014cfb',
  keyNumber: 1,
  recordId: '7d4448409dc011d1b2455ffdce74fad2',
  ciphertext:
    '0100000001932932c592fccf837200784724e6fd2cde509381a60f1fb1e75ffb2330d486d0bb14ad27917f72755cb0dde7cf7ecb24cc07e7103c1a0b88',
} as const;

const lengths = [0, 1, 15, 16, 17, 31, 33, 127, 128, 129, 255, 256, 257, 300, 767, 768, 1_024, 4_097, 70_000];
const margin = 24;

/** A cipher, and where keys and plaintext stand while it is at work. */
interface OnTrial {
  readonly cipher: BatchCipher;
  readonly rooms: readonly Buffer[];
}

/** What a record came to, and whether everything around it was left as it was. */
interface Tried {
  readonly outcome: Outcome;
  readonly sealed: Buffer;
}

function tried(
  pass: Reencryption,
  from: ReturnType<typeof importDek>,
  id: Buffer,
  ciphertext: Buffer,
): Tried {
  const source = Buffer.concat([Buffer.alloc(margin, 0xd1), id, Buffer.alloc(4, 0xd2), ciphertext]);
  const before = Buffer.from(source);
  const into = Buffer.alloc(margin + ciphertext.length + margin, 0xd3);
  const at = margin + id.length + 4;
  const outcome = pass.reencrypt(from, source, margin, id.length, at, ciphertext.length, into, margin);
  const isAlone =
    source.equals(before) &&
    into.subarray(0, margin).every((byte) => byte === 0xd3) &&
    into.subarray(margin + ciphertext.length).every((byte) => byte === 0xd3);
  if (!isAlone) throw new Error('it writes where it must not');
  return { outcome, sealed: into.subarray(margin, margin + ciphertext.length) };
}

/**
 * Whether a cipher does what `node:crypto` does: known answers both ways, every kind of length against `node:crypto`, the
 * empty record among them, and the refusal of what is altered. A few milliseconds.
 *
 * @param make makes the cipher, with IVs of the caller's
 * @throws Error that says what it does wrong
 */
export function selfTest(make: (fill?: (bytes: Buffer) => void) => OnTrial): void {
  givesKnownAnswer(make);
  const { tenantId, column } = known;
  const records = createRecordCipher({ tenantId, column });
  const [from, to, other] = [generateDek(), generateDek(), generateDek()].map((bytes) => importDek(bytes));
  if (from === undefined || to === undefined || other === undefined) throw new Error('no keys');
  const { cipher, rooms } = make();
  refusesShortKey(cipher);
  const pass = cipher.begin({ tenantId, column, to, toKeyNumber: 7 });
  try {
    for (const length of lengths) {
      const id = Buffer.alloc(8 + (length % 9), length);
      const text = Buffer.alloc(length, length % 251);
      const sealed = records.seal(from, 3, id, text);
      const good = tried(pass, from, id, sealed);
      if (good.outcome !== 'done' || !records.open(to, id, good.sealed).equals(text))
        throw new Error(`a record of ${length} bytes does not come out as it went in`);
      if (tried(pass, other, id, sealed).outcome !== 'AUTHENTICATION_FAILED')
        throw new Error('another key opens a record');
      // A byte of the IV, of the text or the tag, and of the tag's end.
      for (const at of [HEADER_BYTES, PREFIX_BYTES, length + OVERHEAD_BYTES - 1]) {
        const altered = Buffer.from(sealed);
        altered[at] = (altered[at] ?? 0) ^ 0x80;
        if (tried(pass, from, id, altered).outcome !== 'AUTHENTICATION_FAILED')
          throw new Error('an altered record opens');
      }
      if (tried(pass, from, Buffer.concat([id, Buffer.of(0)]), sealed).outcome !== 'AUTHENTICATION_FAILED')
        throw new Error('a record opens in another place');
      if (!rooms.every((room) => room.equals(Buffer.alloc(room.length))))
        throw new Error('a key or a plaintext is left behind');
    }
  } finally {
    pass.end();
  }
}

/** Opened and sealed under the same key and IV, the bytes come out that went in. */
function givesKnownAnswer(make: (fill: (bytes: Buffer) => void) => OnTrial): void {
  const key = createSecretKey(Buffer.from(known.key, 'hex'));
  const ciphertext = Buffer.from(known.ciphertext, 'hex');
  const iv = ciphertext.subarray(HEADER_BYTES, PREFIX_BYTES);
  const { cipher } = make((bytes) => bytes.fill(iv));
  const pass = cipher.begin({ ...known, to: key, toKeyNumber: known.keyNumber });
  try {
    const { outcome, sealed } = tried(pass, key, Buffer.from(known.recordId, 'hex'), ciphertext);
    if (outcome !== 'done' || !sealed.equals(ciphertext))
      throw new Error('the known answer does not come out');
  } finally {
    pass.end();
  }
}

function refusesShortKey(cipher: BatchCipher): void {
  const to = createSecretKey(Buffer.alloc(16, 1));
  try {
    cipher.begin({ tenantId: known.tenantId, column: known.column, to, toKeyNumber: 1 }).end();
  } catch (error) {
    if (error instanceof EnvelopeError && error.code === 'INVALID_KEY') return;
    throw error;
  }
  throw new Error('a key that is too short is taken');
}
