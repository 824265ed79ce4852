/**
 * Memory for what is read and sent over and over: windows and batches. Left to the garbage collector, each of them would
 * be old by the time it is done with, and the marking of all that is old for its sake cost a tenth of the sweep.
 *
 * Memory is one's own from `take` to `giveBack`. Who gives it back must be the last to look at it; whoever cannot be sure
 * of that, as after a statement that failed, keeps it, and it is collected. It is for ciphertexts and ids, never for plaintext.
 */
export interface ReusableMemory {
  /** At least `bytes`, with anything in it. */
  take(bytes: number): Buffer;
  /**
   * What `take` answered, whole, and once. What is kept for others is zeroed: who looks too late finds nothing that
   * opens, and sends nothing that the database takes for a ciphertext.
   */
  giveBack(memory: Buffer): void;
}

const smallestBytes = 1_024;
/** Larger memory is rare, and would be kept for nothing. */
export const reusableBytesMax = 4 * 1024 * 1024;

/** @param keptBytesMax of what is given back and not taken again */
export function createReusableMemory(keptBytesMax: number): ReusableMemory {
  // By size, which is a power of two: what was of use to one batch is to the next, though it be a little larger.
  const kept = new Map<number, Buffer[]>();
  let keptBytes = 0;
  return {
    take(bytes) {
      if (bytes > reusableBytesMax) return Buffer.allocUnsafeSlow(bytes);
      const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, smallestBytes)));
      const memory = kept.get(size)?.pop();
      // Never a part of the memory that Node shares between small Buffers.
      if (memory === undefined) return Buffer.allocUnsafeSlow(size);
      keptBytes -= size;
      return memory;
    },
    giveBack(memory) {
      const size = memory.length;
      if (size > reusableBytesMax || keptBytes + size > keptBytesMax) return;
      memory.fill(0);
      keptBytes += size;
      const sameSize = kept.get(size);
      if (sameSize === undefined) kept.set(size, [memory]);
      else sameSize.push(memory);
    },
  };
}

/** That of this process: a handful of ranges at work take about half of it. */
export const reusableMemory = createReusableMemory(32 * 1024 * 1024);
