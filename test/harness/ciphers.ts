import process from 'node:process';
import { type BatchCipher, openBatchCipher } from '@rekey/envelope';
import { nodeBatchCipher } from '../../packages/envelope/src/batch/node-batch.ts';
import { loadOpenSsl, type OpenSsl } from '../../packages/envelope/src/batch/openssl.ts';
import { createOpenSslBatchCipher } from '../../packages/envelope/src/batch/openssl-batch.ts';

/** The cipher that a rotation in a test's own process uses: REKEY_CIPHER as the worker reads it. */
export function cipherHere(): BatchCipher {
  const wanted = process.env.REKEY_CIPHER ?? 'auto';
  if (wanted !== 'auto' && wanted !== 'ffi' && wanted !== 'node')
    throw new Error(`REKEY_CIPHER=${wanted} is none of auto, ffi and node`);
  return openBatchCipher(wanted).cipher;
}

/** Null where this Node has no `node:ffi`. */
export const openssl: OpenSsl | null = (() => {
  try {
    return loadOpenSsl();
  } catch {
    return null;
  }
})();

/** Whatever is not tried on this Node is named, and the tests of it are skipped. */
export const ciphers: ReadonlyArray<{
  readonly name: string;
  readonly skip: string | false;
  readonly make: () => BatchCipher;
}> = [
  { name: 'node', skip: false, make: () => nodeBatchCipher },
  {
    name: 'ffi',
    skip: openssl === null ? 'this Node has no node:ffi' : false,
    make: () => createOpenSslBatchCipher(needOpenSsl()),
  },
];

export function needOpenSsl(): OpenSsl {
  if (openssl === null) throw new Error('this Node has no node:ffi');
  return openssl;
}

/** OpenSSL as it is, with a note of every context that lives and of all memory whose address was asked for. */
export interface Watched extends OpenSsl {
  readonly contexts: Set<bigint>;
  readonly memories: Buffer[];
  made: number;
}

/** @param replaced functions to be called instead */
export function watched(replaced: Partial<OpenSsl> = {}): Watched {
  const real = needOpenSsl();
  const contexts = new Set<bigint>();
  const memories: Buffer[] = [];
  const watcher: Watched = {
    ...real,
    EVP_CIPHER_CTX_new: () => {
      const context = real.EVP_CIPHER_CTX_new();
      contexts.add(context);
      watcher.made += 1;
      return context;
    },
    EVP_CIPHER_CTX_free: (context) => {
      if (!contexts.delete(context)) throw new Error('freed twice, or never made');
      real.EVP_CIPHER_CTX_free(context);
    },
    addressOf: (memory) => {
      memories.push(memory);
      return real.addressOf(memory);
    },
    ...replaced,
    contexts,
    memories,
    made: 0,
  };
  return watcher;
}
