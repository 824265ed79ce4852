import { Buffer } from 'node:buffer';

const keyBytes = 32;

/**
 * The 32 bytes that a key file holds, raw or as text (64 hex digits, or 44 characters of base64, with or without a
 * line end); null when it holds anything else. The answer is in memory of its own. Works on bytes throughout: a string
 * of the key could not be zeroed and would show in heap snapshots.
 */
export function parseKeyFile(content: Buffer): Buffer | null {
  if (content.length === keyBytes)
    return looksLikeText(content) ? null : Buffer.from(new Uint8Array(content).buffer);
  const text = withoutLineEnd(content);
  if (text.length === 64) return decode(text, 4, hexDigit);
  if (text.length === 44 && text[43] === code('=')) return decode(text.subarray(0, 43), 6, base64Digit);
  return null;
}

/** 32 characters of hex or base64 are a key of 128 or 192 bits, not 32 raw bytes (by chance: once in 10¹⁹ keys). */
const looksLikeText = (content: Buffer): boolean => content.every((byte) => base64Digit(byte) !== null);

function withoutLineEnd(content: Buffer): Buffer {
  if (content.at(-1) !== code('\n')) return content;
  return content.subarray(0, content.at(-2) === code('\r') ? -2 : -1);
}

/** Null for a foreign character, and for bits behind the 32nd byte that are not zero. */
function decode(text: Buffer, bitsEach: number, digit: (byte: number) => number | null): Buffer | null {
  const bytes = Buffer.alloc(keyBytes);
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (const byte of text) {
    const value = digit(byte);
    if (value === null) {
      bytes.fill(0);
      return null;
    }
    bits = (bits << bitsEach) | value;
    bitCount += bitsEach;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[at++] = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
  }
  if (bits === 0) return bytes;
  bytes.fill(0);
  return null;
}

function hexDigit(byte: number): number | null {
  if (byte >= code('0') && byte <= code('9')) return byte - code('0');
  if (byte >= code('a') && byte <= code('f')) return byte - code('a') + 10;
  if (byte >= code('A') && byte <= code('F')) return byte - code('A') + 10;
  return null;
}

function base64Digit(byte: number): number | null {
  if (byte >= code('A') && byte <= code('Z')) return byte - code('A');
  if (byte >= code('a') && byte <= code('z')) return byte - code('a') + 26;
  if (byte >= code('0') && byte <= code('9')) return byte - code('0') + 52;
  if (byte === code('+')) return 62;
  if (byte === code('/')) return 63;
  return null;
}

function code(character: string): number {
  return character.charCodeAt(0);
}
