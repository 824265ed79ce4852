import { createHash, randomBytes } from 'node:crypto';
import { DerError, derOf, expect, integerOf, partsIn, readDer, tags } from './der.ts';

/** SHA-256 as an AlgorithmIdentifier, with the NULL that authorities of time stamps expect. */
const sha256 = Buffer.from('300d06096086480165030402010500', 'hex');

/** What a time stamp authority is asked by RFC 3161: a stamp over these bytes, with its certificates. */
export function stampQuery(bytes: Uint8Array): { readonly query: Buffer; readonly nonce: bigint } {
  const random = randomBytes(8);
  // Positive and of eight bytes, so that it has one form.
  random[0] = 0x40 | ((random[0] ?? 0) & 0x3f);
  const query = derOf(
    tags.sequence,
    derOf(tags.integer, Buffer.from([1])),
    derOf(tags.sequence, sha256, derOf(tags.octets, createHash('sha256').update(bytes).digest())),
    derOf(tags.integer, random),
    derOf(tags.boolean, Buffer.from([0xff])),
  );
  return { query, nonce: random.readBigUInt64BE() };
}

/**
 * The token in what an authority answers; null: it gave none. Throws `DerError`. That it granted something other than what was asked for
 * shows in the token.
 */
export function tokenIn(answer: Buffer): Buffer | null {
  const [info, token, ...more] = partsIn(readDer(answer), tags.sequence);
  const [status] = partsIn(info, tags.sequence);
  const isGranted = [0n, 1n].includes(integerOf(status));
  if (!isGranted) return null;
  if (more.length > 0) throw new DerError('more than a token');
  return Buffer.from(expect(token, tags.sequence).whole);
}

const granted = Buffer.from('3003020100', 'hex');

/** A token as an answer that says nothing else: the form in which it is handed on, which other programs take. */
export function answerWith(token: Buffer): Buffer {
  return derOf(tags.sequence, granted, token);
}

/** The token of such an answer, and of no other one. Throws `DerError`. */
export function tokenHandedOn(answer: Buffer): Buffer {
  const [info, token, ...more] = partsIn(readDer(answer), tags.sequence);
  if (info?.whole.equals(granted) !== true || more.length > 0) throw new DerError('another answer');
  return Buffer.from(expect(token, tags.sequence).whole);
}
