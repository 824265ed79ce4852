import type { SealedRecord } from './packed-records.ts';
import { createArrayImage, decodeArray } from './pg-binary.ts';
import type { Target } from './targets.ts';

/** For a format whose values have no short identity: then the arrays grow. */
const identityExpected = 64;

/** Records sealed anew, as the arrays that the statement takes: each is laid out where it is sent from. */
export interface Replacements {
  /** So many first bytes of a value tell it from every other. */
  readonly identityBytes: number;
  readonly items: number;
  /** Of the new ciphertexts, about. */
  readonly bytes: number;
  /**
   * Where the new ciphertext of a record may be written, in what `memory` is from then on. Nothing is added before
   * `addWritten`, which takes the id, and what the record was, from the memory that it was read into.
   */
  room(bytes: number): number;
  readonly memory: Buffer;
  addWritten(
    from: Buffer,
    idAt: number,
    idBytes: number,
    ciphertextAt: number,
    ciphertextBytes: number,
  ): void;
  /** `seal` writes the record's new ciphertext, which is as long as the old one. If it throws, nothing is added. */
  add(record: SealedRecord, seal: (into: Buffer, at: number) => void): void;
  /** One that is sealed already. `seen` are the first bytes of what it came from. */
  addSealed(id: Buffer, seen: Buffer, sealed: Buffer): void;
  /** Ids, what each must still be for the new bytes to take its place, and the new bytes. */
  arrays(): readonly [Buffer, Buffer, Buffer];
  /** Of a batch of one record: its id, and the first bytes of what it was. Copied. */
  only(): readonly [Buffer, Buffer];
  /** Those from one index up to another, copied. */
  part(from: number, to: number): Replacements;
  /** A statement that takes them has failed, and may be looking at their memory still: it is not given back. */
  keep(): void;
  /** Once they are written, or never will be: their memory may be used for other batches, unless it is to be kept. */
  [Symbol.dispose](): void;
}

export interface ReplacementsOrder {
  readonly identityBytes: number;
  /** About. */
  readonly items: number;
  readonly bytes: number;
}

export function createReplacements(target: Target, order: ReplacementsOrder): Replacements {
  const { identityBytes, items: itemsExpected, bytes: bytesExpected } = order;
  const ids = createArrayImage(target.idType, itemsExpected, 16 * itemsExpected);
  const seen = createArrayImage(
    'bytea',
    itemsExpected,
    Math.min(identityBytes, identityExpected) * itemsExpected,
  );
  const sealed = createArrayImage('bytea', itemsExpected, bytesExpected);
  let isKept = false;
  const append = (
    id: Buffer,
    ciphertext: Buffer,
    length: number,
    seal: (into: Buffer, at: number) => void,
  ): void => {
    sealed.append(length, seal);
    ids.append(id.length, (into, at) => id.copy(into, at));
    const seenBytes = Math.min(identityBytes, ciphertext.length);
    seen.append(seenBytes, (into, at) => ciphertext.copy(into, at, 0, seenBytes));
  };
  const arrays = (): readonly [Buffer, Buffer, Buffer] => [ids.image(), seen.image(), sealed.image()];
  return {
    identityBytes,
    get items() {
      return ids.elements;
    },
    get bytes() {
      return sealed.bytes;
    },
    room: sealed.room,
    get memory() {
      return sealed.memory;
    },
    addWritten(from, idAt, idBytes, ciphertextAt, ciphertextBytes) {
      sealed.added(ciphertextBytes);
      ids.appendPart(from, idAt, idBytes);
      seen.appendPart(from, ciphertextAt, Math.min(identityBytes, ciphertextBytes));
    },
    add: ({ id, ciphertext }, seal) => append(id, ciphertext, ciphertext.length, seal),
    addSealed: (id, seenOf, bytes) => append(id, seenOf, bytes.length, (into, at) => bytes.copy(into, at)),
    arrays,
    only() {
      const [[id], [seenOf]] = [decodeArray(ids.image()), decodeArray(seen.image())];
      if (id === undefined || seenOf === undefined) throw new RangeError('there is no record');
      return [Buffer.from(id), Buffer.from(seenOf)];
    },
    part(from, to) {
      const [partOfIds = [], partOfSeen = [], partOfSealed = []] = arrays().map((image) =>
        decodeArray(image).slice(from, to),
      );
      const bytes = partOfSealed.reduce((sum, { length }) => sum + length, 0);
      const part = createReplacements(target, { identityBytes, items: partOfIds.length, bytes });
      for (const [index, id] of partOfIds.entries()) {
        const [seenOf, bytesOf] = [partOfSeen[index], partOfSealed[index]];
        if (seenOf !== undefined && bytesOf !== undefined) part.addSealed(id, seenOf, bytesOf);
      }
      return part;
    },
    keep() {
      isKept = true;
    },
    [Symbol.dispose]() {
      if (isKept) return;
      isKept = true; // it is given back once
      for (const array of [ids, seen, sealed]) array.release();
    },
  };
}
