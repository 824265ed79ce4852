import type { Buffer } from 'node:buffer';
import process from 'node:process';

/**
 * The functions of OpenSSL that a record needs, as they are in the process: those that `node:crypto` itself is built on.
 * Every argument is an address, a length or a constant, as a BigInt of 64 bits. See docs/adr/0038.
 */
export interface OpenSsl {
  EVP_aes_256_gcm(): bigint;
  EVP_CIPHER_CTX_new(): bigint;
  /** Zeroes the key schedule. */
  EVP_CIPHER_CTX_free(context: bigint): void;
  EVP_DecryptInit_ex(context: bigint, cipher: bigint, engine: bigint, key: bigint, iv: bigint): number;
  EVP_EncryptInit_ex(context: bigint, cipher: bigint, engine: bigint, key: bigint, iv: bigint): number;
  EVP_DecryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, bytes: bigint): number;
  EVP_EncryptUpdate(context: bigint, out: bigint, written: bigint, from: bigint, bytes: bigint): number;
  EVP_DecryptFinal_ex(context: bigint, out: bigint, written: bigint): number;
  EVP_EncryptFinal_ex(context: bigint, out: bigint, written: bigint): number;
  EVP_CIPHER_CTX_ctrl(context: bigint, type: bigint, bytes: bigint, at: bigint): number;
  OPENSSL_cleanse(at: bigint, bytes: bigint): void;
  ERR_clear_error(): void;
  /** Where a memory begins. It stays there as long as the Buffer is referred to, and its ArrayBuffer not transferred. */
  addressOf(memory: Buffer): bigint;
}

/**
 * `pointer` for every argument, lengths and constants among them: with any other type Node puts a wrapper in JavaScript
 * around the function, which takes ten times as long as the function itself and is never compiled to a direct call.
 */
const pointers = (count: number) => Array.from({ length: count }, () => 'pointer' as const);

export const definitions = {
  EVP_aes_256_gcm: { return: 'pointer', arguments: [] },
  EVP_CIPHER_CTX_new: { return: 'pointer', arguments: [] },
  EVP_CIPHER_CTX_free: { return: 'void', arguments: pointers(1) },
  EVP_DecryptInit_ex: { return: 'int32', arguments: pointers(5) },
  EVP_EncryptInit_ex: { return: 'int32', arguments: pointers(5) },
  EVP_DecryptUpdate: { return: 'int32', arguments: pointers(5) },
  EVP_EncryptUpdate: { return: 'int32', arguments: pointers(5) },
  EVP_DecryptFinal_ex: { return: 'int32', arguments: pointers(3) },
  EVP_EncryptFinal_ex: { return: 'int32', arguments: pointers(3) },
  EVP_CIPHER_CTX_ctrl: { return: 'int32', arguments: pointers(4) },
  OPENSSL_cleanse: { return: 'void', arguments: pointers(2) },
  ERR_clear_error: { return: 'void', arguments: [] },
} as const;

/** Why OpenSSL cannot be called by its addresses here, in words for an operator. */
export class FfiUnavailable extends Error {
  override readonly name = 'FfiUnavailable';
}

/**
 * At first use and not at load: a start-up snapshot with such a function in it ends the process that builds it. The
 * library is never closed, since that would leave the functions pointing nowhere.
 *
 * @throws FfiUnavailable
 */
export function loadOpenSsl(): OpenSsl {
  if (process.getBuiltinModule('node:v8').startupSnapshot.isBuildingSnapshot())
    throw new FfiUnavailable('a start-up snapshot is being built');
  try {
    const ffi = withoutItsWarning(() => process.getBuiltinModule('node:ffi'));
    if (ffi === undefined) throw new FfiUnavailable('this Node has no node:ffi, or it is switched off');
    const { functions } = ffi.dlopen(null, definitions);
    return { ...functions, addressOf: (memory) => ffi.getRawPointer(memory) };
  } catch (error) {
    if (error instanceof FfiUnavailable) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error';
    if (code === 'ERR_ACCESS_DENIED') throw new FfiUnavailable('--permission without --allow-ffi');
    throw new FfiUnavailable(`node:ffi does not do it (${code})`);
  }
}

/** The one that says `node:ffi` is experimental: it is known here, and no other may be lost. */
function withoutItsWarning<Result>(load: () => Result): Result {
  const { emitWarning } = process;
  const passOn: (...given: unknown[]) => void = (...given) => {
    const [warning, type] = given;
    const isIt = type === 'ExperimentalWarning' && typeof warning === 'string' && warning.startsWith('FFI ');
    if (!isIt) Reflect.apply(emitWarning, process, given);
  };
  process.emitWarning = passOn;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
