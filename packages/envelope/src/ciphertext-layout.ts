import type { Buffer } from 'node:buffer';
import { EnvelopeError } from './envelope-error.ts';
import { IV_BYTES, TAG_BYTES } from './gcm.ts';

// 0x01 ‖ key number (4 bytes, big-endian) ‖ IV (12) ‖ ciphertext ‖ tag (16): docs/ciphertext-format.md

/** Version and key number. */
export const HEADER_BYTES = 5;
/** Header and IV: unique to every seal, so this is what a compare-and-swap compares. */
export const PREFIX_BYTES = HEADER_BYTES + IV_BYTES;
/** How much longer than its plaintext a ciphertext is. */
export const OVERHEAD_BYTES = PREFIX_BYTES + TAG_BYTES;

const version = 0x01;
const keyNumberMax = 2 ** 31 - 1;

/**
 * The number of the key that a ciphertext names, or null if the bytes are not of this format: shorter than 33, of
 * another version, or with a number outside 1 to 2³¹ − 1. It is a label that GCM does not authenticate: what proves it
 * is that the key of that number opens the record.
 */
export function readKeyNumber(ciphertext: Buffer): number | null {
  return readKeyNumberAt(ciphertext, 0, ciphertext.length);
}

/** As `readKeyNumber`, of the ciphertext of so many bytes at `at`. Throws RangeError when that is not within the memory. */
export function readKeyNumberAt(memory: Buffer, at: number, bytes: number): number | null {
  if (at + bytes > memory.length) throw new RangeError('a ciphertext that is not within its memory');
  if (bytes < OVERHEAD_BYTES || memory[at] !== version) return null;
  const keyNumber = memory.readUInt32BE(at + 1);
  return keyNumber >= 1 && keyNumber <= keyNumberMax ? keyNumber : null;
}

/** Writes version and key number into the five bytes from `at` on. */
export function writeHeader(into: Buffer, at: number, keyNumber: number): void {
  into[at] = version;
  into.writeUInt32BE(keyNumber, at + 1);
}

/** @throws EnvelopeError `INVALID_KEY_NUMBER` unless it is an integer of 1 to 2³¹ − 1 */
export function needKeyNumber(keyNumber: number): void {
  if (!Number.isInteger(keyNumber) || keyNumber < 1 || keyNumber > keyNumberMax) {
    throw new EnvelopeError('INVALID_KEY_NUMBER', 'a key number is an integer of 1 to 2147483647');
  }
}
