import { DEK_BYTES, type DekKey, needDekKey } from '../dek.ts';
import { CipherFault } from './batch-cipher.ts';
import type { Workspace } from './fixed-memory.ts';
import type { OpenSsl } from './openssl.ts';

/** @throws CipherFault unless OpenSSL said 1; then nothing is left in its queue of errors for `node:crypto` to find */
export function needDone(openssl: Pick<OpenSsl, 'ERR_clear_error'>, answer: number, what: string): void {
  if (answer === 1) return;
  openssl.ERR_clear_error();
  throw new CipherFault(`OpenSSL refused ${what}`);
}

/**
 * A context with a key in it and no IV yet. The length of a key is passed to nobody, so it is looked at first. The raw
 * bytes are out of the KeyObject for this call only.
 *
 * @throws EnvelopeError `INVALID_KEY`; CipherFault
 */
export function newContext(
  openssl: OpenSsl,
  { key: room }: Workspace,
  way: 'open' | 'seal',
  key: DekKey,
): bigint {
  needDekKey(key);
  const context = openssl.EVP_CIPHER_CTX_new();
  if (context === 0n) needDone(openssl, 0, 'a context');
  let exported: Buffer | undefined;
  try {
    exported = key.export();
    if (exported.length !== DEK_BYTES) throw new CipherFault('a key of another length than it said');
    exported.copy(room.bytes);
    const init = way === 'open' ? openssl.EVP_DecryptInit_ex : openssl.EVP_EncryptInit_ex;
    needDone(openssl, init(context, openssl.EVP_aes_256_gcm(), 0n, room.address, 0n), 'a key');
    return context;
  } catch (error) {
    openssl.EVP_CIPHER_CTX_free(context);
    throw error;
  } finally {
    exported?.fill(0);
    room.bytes.fill(0);
  }
}

/** The contexts of one pass to open with, by key. An address that it answered is good until anything else is called. */
export interface Contexts {
  of(key: DekKey): bigint;
  /** Frees those of other keys. */
  retain(keys: ReadonlySet<DekKey>): void;
  /** Frees all of them. */
  free(): void;
}

/** @param max so many at a time: the one made first goes first */
export function createContexts(openssl: OpenSsl, workspace: Workspace, max: number): Contexts {
  const contexts = new Map<DekKey, bigint>();
  const free = (key: DekKey): void => {
    const context = contexts.get(key);
    contexts.delete(key);
    if (context !== undefined) openssl.EVP_CIPHER_CTX_free(context);
  };
  return {
    of(key) {
      const known = contexts.get(key);
      if (known !== undefined) return known;
      const made = newContext(openssl, workspace, 'open', key);
      const [first] = contexts.keys();
      if (contexts.size >= max && first !== undefined) free(first);
      contexts.set(key, made);
      return made;
    },
    retain(keys) {
      for (const key of [...contexts.keys()]) if (!keys.has(key)) free(key);
    },
    free() {
      for (const key of [...contexts.keys()]) free(key);
    },
  };
}
