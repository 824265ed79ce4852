import { Buffer } from 'node:buffer';
import { EnvelopeError } from './envelope-error.ts';

/** The types that the id column of a target may have. */
export type RecordIdType = 'uuid' | 'bigint' | 'text';

/**
 * The bytes that Postgres sends for an id in binary: what COPY yields and what the AAD binds.
 *
 * @throws EnvelopeError `INVALID_ID` when the text is no such id
 */
export function recordIdBytes(idType: RecordIdType, id: string): Buffer {
  switch (idType) {
    case 'uuid':
      return uuidBytes(id);
    case 'bigint':
      return bigintBytes(id);
    case 'text':
      return textBytes(id);
  }
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The 16 bytes of a UUID of any version, written with its four hyphens, in either case.
 *
 * @throws EnvelopeError `INVALID_ID` for any other text
 */
export function uuidBytes(text: string): Buffer {
  if (!uuidForm.test(text)) throw new EnvelopeError('INVALID_ID', 'not a UUID');
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

const bigintForm = /^(?:0|-?[1-9][0-9]{0,18})$/;
const bigintMin = -(2n ** 63n);
const bigintMax = 2n ** 63n - 1n;

/**
 * The 8 bytes, big-endian in two's complement, of a Postgres bigint written as Postgres writes it (no sign `+`, no
 * leading zero, no space).
 *
 * @throws EnvelopeError `INVALID_ID` for any other text and outside −2⁶³ to 2⁶³ − 1
 */
export function bigintBytes(text: string): Buffer {
  const value = bigintForm.test(text) ? BigInt(text) : null;
  if (value === null || value < bigintMin || value > bigintMax) {
    throw new EnvelopeError('INVALID_ID', 'not a 64-bit integer');
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** UTF-8. A lone surrogate would turn into U+FFFD, and two ids into one; Postgres can hold neither it nor U+0000. */
function textBytes(text: string): Buffer {
  if (!text.isWellFormed() || text.includes('\0'))
    throw new EnvelopeError('INVALID_ID', 'not a Postgres text');
  return Buffer.from(text, 'utf8');
}
