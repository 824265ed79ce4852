import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { createIvPool, type IvPool } from '../iv-pool.ts';
import type { OpenSsl } from './openssl.ts';

/** Memory of our own, and where it is. Whoever uses the address holds this object meanwhile, and so the memory. */
export interface FixedMemory {
  readonly bytes: Buffer;
  readonly address: bigint;
}

/** Zeroed, and shared with nobody: never a part of the memory that Node makes small Buffers of. */
export function fixedMemory(openssl: Pick<OpenSsl, 'addressOf'>, size: number): FixedMemory {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, address: openssl.addressOf(bytes) };
}

/**
 * Where a memory of the caller's begins. Refused is what may change its size or its owner while it is in use: then the
 * length that was looked at would tell nothing.
 *
 * @throws RangeError
 */
export function addressOf(openssl: Pick<OpenSsl, 'addressOf'>, memory: Buffer): bigint {
  const { buffer } = memory;
  if (!(memory instanceof Uint8Array) || !(buffer instanceof ArrayBuffer) || buffer.resizable)
    throw new RangeError('not a memory of a fixed size');
  return openssl.addressOf(memory);
}

/** What all passes of a thread share: nothing of it outlives the re-encryption of one record, which nothing interrupts. */
export interface Workspace {
  readonly ivs: IvPool;
  /** Room for the raw bytes of one key. */
  readonly key: FixedMemory;
  /** Where OpenSSL writes how many bytes it wrote: an `int`. */
  readonly written: FixedMemory;
  /** The same as a number. */
  readonly writtenCount: Int32Array;
  /** Room for so many bytes of plaintext: all zeros whenever nobody is at work. */
  plaintext(bytes: number): FixedMemory;
}

const usualBytes = 64 * 1024;
/** Larger ones are let go as soon as something smaller comes. */
const keptBytesMax = 1024 * 1024;

export function createWorkspace(
  openssl: Pick<OpenSsl, 'addressOf'>,
  fillIvs: (bytes: Buffer) => void = randomFillSync,
): Workspace {
  const written = fixedMemory(openssl, 8);
  let plaintext = fixedMemory(openssl, usualBytes);
  return {
    ivs: createIvPool(1024, fillIvs),
    key: fixedMemory(openssl, 32),
    written,
    writtenCount: new Int32Array(written.bytes.buffer, 0, 1),
    plaintext(bytes) {
      const has = plaintext.bytes.length;
      if (bytes > has || (has > keptBytesMax && bytes <= keptBytesMax)) {
        plaintext = fixedMemory(openssl, Math.max(usualBytes, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1)))));
      }
      return plaintext;
    },
  };
}
