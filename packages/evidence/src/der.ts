/** One value of DER, X.690's form that has no other. */
export interface Der {
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and its length. */
  readonly whole: Buffer;
}

/** Tags of those that we read. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Of a context, with parts. */
export const contextTag = (number: number): number => 0xa0 | number;

/** What is read is never larger, and has no more parts. */
const bytesMax = 65_536;
const partsMax = 1_000;

/** These bytes are not the DER that was looked for. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** The one value that all of these bytes are. */
export function readDer(bytes: Buffer, tag?: number): Der {
  if (bytes.length > bytesMax) throw new DerError('too large');
  const [one, ...more] = partsOf(bytes);
  if (one === undefined || more.length > 0) throw new DerError('not one value');
  return tag === undefined ? one : expect(one, tag);
}

/** The values within one that has parts, as it must have by its tag. */
export function partsIn(value: Der | undefined, tag: number): Der[] {
  return partsOf(expect(value, tag).content);
}

export function expect(value: Der | undefined, tag: number): Der {
  if (value?.tag !== tag) throw new DerError(`no value of tag ${tag}`);
  return value;
}

/** Takes the values of a sequence one after the other, so that none is left that nobody looked at. */
export function takerOf(parts: readonly Der[]): {
  take(tag: number): Der;
  /** Null: the next one is another. */
  maybe(tag: number): Der | null;
  end(): void;
} {
  let next = 0;
  const maybe = (tag: number): Der | null => {
    const value = parts[next];
    if (value?.tag !== tag) return null;
    next += 1;
    return value;
  };
  return {
    maybe,
    take: (tag) => maybe(tag) ?? expect(parts[next], tag),
    end() {
      if (next !== parts.length) throw new DerError('more than there should be');
    },
  };
}

/** In dots. */
export function oidOf(value: Der | undefined): string {
  const { content } = expect(value, tags.oid);
  const numbers: bigint[] = [];
  // Some are of 128 bits.
  let [number, length] = [0n, 0];
  for (const byte of content) {
    if ((length === 0 && byte === 0x80) || length === 20) throw new DerError('a malformed object identifier');
    [number, length] = [number * 128n + BigInt(byte & 0x7f), length + 1];
    if (byte >= 0x80) continue;
    numbers.push(number);
    [number, length] = [0n, 0];
  }
  const [first, ...rest] = numbers;
  if (first === undefined || length > 0) throw new DerError('a malformed object identifier');
  const head = first < 80n ? first / 40n : 2n;
  return [head, first - head * 40n, ...rest].join('.');
}

/** As it stands, without bytes that say nothing; numbers of serials have no end that fits a number. */
export function integerOf(value: Der | undefined): bigint {
  const { content } = expect(value, tags.integer);
  const [first = 0, second = 0] = content;
  const isShortest =
    content.length === 1 || !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (content.length === 0 || !isShortest) throw new DerError('a malformed integer');
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
}

export function booleanOf(value: Der): boolean {
  const { content } = expect(value, tags.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw new DerError('a malformed boolean');
  return content[0] === 0xff;
}

function partsOf(bytes: Buffer): Der[] {
  const parts: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { tag, from, length } = headAt(bytes, at);
    if (from + length > bytes.length || parts.length === partsMax) throw new DerError('cut off');
    parts.push({
      tag,
      content: bytes.subarray(from, from + length),
      whole: bytes.subarray(at, from + length),
    });
    at = from + length;
  }
  return parts;
}

/** Tags of one byte, and lengths of which there is one form each: no indefinite ones, and none longer than it needs to be. */
function headAt(bytes: Buffer, at: number): { tag: number; from: number; length: number } {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f)
    throw new DerError('a malformed head');
  if (first < 0x80) return { tag, from: at + 2, length: first };
  const count = first - 0x80;
  const from = at + 2 + count;
  if (count === 0 || count > 3 || from > bytes.length) throw new DerError('a malformed length');
  const length = bytes.readUIntBE(at + 2, count);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a malformed length');
  return { tag, from, length };
}

/** The other way round, for what we ask. */
export function derOf(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  const shortest = size.subarray(size.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 + shortest.length]), shortest, content]);
}
