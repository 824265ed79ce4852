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

/**
 * What keeps content from being a key, in words that somebody who looks at the file can use, without a byte of it. Mostly
 * it is what an editor or a shell has added.
 */
export function whatIsWrong(content: Buffer): string {
  if (content.length === 0) return 'it is empty';
  if (startsWith(content, [0xef, 0xbb, 0xbf])) return 'it begins with a byte order mark';
  if (startsWith(content, [0xff, 0xfe]) || startsWith(content, [0xfe, 0xff]))
    return 'it begins with a byte order mark, as of UTF-16';
  if (startsWith(content, [...'-----BEGIN'].map(code))) return 'it is a PEM file';
  if (content.length === keyBytes + 1 && content.at(-1) === code('\n'))
    return 'it has a line end behind 32 bytes';
  if (content.every(isText)) {
    const line = withoutLineEnd(content);
    if (isSpace(line.at(0))) return 'it begins with white space';
    if (isSpace(line.at(-1))) return 'it ends in white space, or in more than one line end';
    if (line.includes(code('\n'))) return 'it has more than one line';
    return `it has ${content.length >= longestRead ? 'too many' : line.length} characters, or others than those of hex or base64`;
  }
  return `it has ${content.length >= longestRead ? 'too many' : content.length} bytes`;
}

/** What is read of a file at most; content of that length may be longer. */
export const longestRead = 128;

const startsWith = (content: Buffer, bytes: readonly number[]): boolean =>
  bytes.every((byte, index) => content[index] === byte);
const isSpace = (byte: number | undefined): boolean =>
  byte === code(' ') || byte === code('\t') || byte === code('\n') || byte === code('\r');
const isText = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || isSpace(byte);

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
