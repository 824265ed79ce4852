/** A sealed record as it was read: what the compare-and-swap compares with. */
export interface SealedRecord {
  /** The binary image of its id: what its ciphertext is bound to, and what goes back into the UPDATE. */
  readonly id: Buffer;
  readonly ciphertext: Buffer;
  /** It is larger than this installation allows: the ciphertext is its beginning only. */
  readonly isTooLarge?: boolean;
}

/**
 * Records in the one piece of memory that they were read into. Their Buffers are made when they are asked for: made all
 * at once, a window's worth of them would live until it is written, and collecting them cost a tenth of the sweep.
 */
export interface PackedRecords extends Iterable<SealedRecord> {
  readonly length: number;
  /** Of all the ciphertexts. */
  readonly bytes: number;
  /** Views into the memory they share. Throws for an index that is not one of them. */
  at(index: number): SealedRecord;
  /** What they share, and where in it the parts of each are: for whoever needs no view. */
  readonly memory: Buffer;
  idAt(index: number): number;
  idBytes(index: number): number;
  ciphertextAt(index: number): number;
  ciphertextBytes(index: number): number;
  isTooLarge(index: number): boolean;
}

/** In place of a ciphertext's length: it was too large to come along. */
export const leftBehind = -1;
/** Before the length of a ciphertext's beginning, in place of the whole: it is larger than it may be. */
export const tooLarge = -2;

/**
 * Reads `length of id (4) ‖ id ‖ length of ciphertext (4) ‖ ciphertext`, again and again, lengths big-endian. Null when
 * a ciphertext was left behind. Throws for bytes that end within a record.
 */
export function unpackRecords(packed: Buffer): PackedRecords | null {
  // Of each record: where its id begins, where its ciphertext does, where that ends.
  const places: number[] = [];
  const cut = new Set<number>();
  let bytes = 0;
  for (let next = 0; next < packed.length; ) {
    const id = next + 4;
    let ciphertext = id + packed.readInt32BE(next) + 4;
    let length = packed.readInt32BE(ciphertext - 4);
    if (length === leftBehind) return null;
    if (length === tooLarge) {
      cut.add(places.length / 3);
      ciphertext += 4;
      length = packed.readInt32BE(ciphertext - 4);
    }
    next = ciphertext + length;
    if (next > packed.length) throw new RangeError('packed records end within one');
    places.push(id, ciphertext, next);
    bytes += length;
  }
  const length = places.length / 3;
  const place = (index: number, part: number): number => {
    const at = places[3 * index + part];
    if (at === undefined) throw new RangeError(`there is no record ${index} of ${length}`);
    return at;
  };
  const isTooLarge = (index: number): boolean => cut.size > 0 && cut.has(index);
  // Between an id and its ciphertext stands the length, and before it the sign of a beginning.
  const idEnd = (index: number): number => place(index, 1) - (isTooLarge(index) ? 8 : 4);
  const at = (index: number): SealedRecord => {
    const record = {
      id: packed.subarray(place(index, 0), idEnd(index)),
      ciphertext: packed.subarray(place(index, 1), place(index, 2)),
    };
    return isTooLarge(index) ? { ...record, isTooLarge: true } : record;
  };
  return {
    length,
    bytes,
    at,
    memory: packed,
    idAt: (index) => place(index, 0),
    idBytes: (index) => idEnd(index) - place(index, 0),
    ciphertextAt: (index) => place(index, 1),
    ciphertextBytes: (index) => place(index, 2) - place(index, 1),
    isTooLarge,
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index += 1) yield at(index);
    },
  };
}
