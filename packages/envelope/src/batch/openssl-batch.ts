import {
  HEADER_BYTES,
  needKeyNumber,
  OVERHEAD_BYTES,
  PREFIX_BYTES,
  readKeyNumberAt,
  writeHeader,
} from '../ciphertext-layout.ts';
import { type DekKey, needDekKey } from '../dek.ts';
import { TAG_BYTES } from '../gcm.ts';
import { recordPlace } from '../record-cipher.ts';
import {
  type BatchCipher,
  CipherFault,
  needPart,
  type Outcome,
  type Reencryption,
  type ReencryptionOrder,
} from './batch-cipher.ts';
import { createContexts, needDone, newContext } from './contexts.ts';
import { addressOf, createWorkspace, fixedMemory, type Workspace } from './fixed-memory.ts';
import type { OpenSsl } from './openssl.ts';

/** A window names two or three older keys at most times; a context takes about a kilobyte. */
const contextsMax = 16;

const none = 0n;
const tagBytes = BigInt(TAG_BYTES);
/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of openssl/evp.h. */
const getTag = 0x10n;
const setTag = 0x11n;

/**
 * The only way in which an address or a length is made of a number. `needPart` has seen that it is below 2³¹, so that
 * `>>>` changes nothing; but with it, and cut to 64 bits at once, the compiled code has no BigInt object in it.
 */
const behind = (address: bigint, bytes: number): bigint => BigInt.asUintN(64, address + BigInt(bytes >>> 0));

/**
 * By OpenSSL, called by its addresses. What may be relied on, and why memory is safe, is in docs/adr/0038.
 *
 * @param fillIvs fills the whole buffer with random bytes
 */
export function createOpenSslBatchCipher(openssl: OpenSsl, fillIvs?: (bytes: Buffer) => void): BatchCipher {
  const workspace = createWorkspace(openssl, fillIvs);
  return { kind: 'ffi', begin: (order) => beginPass(openssl, workspace, order) };
}

function beginPass(openssl: OpenSsl, workspace: Workspace, order: ReencryptionOrder): Reencryption {
  const { ivs, writtenCount } = workspace;
  const count = workspace.written.address;
  const { to, toKeyNumber } = order;
  const place = recordPlace(order.tenantId, order.column);
  needDekKey(to);
  needKeyNumber(toKeyNumber);
  const sealing = newContext(openssl, workspace, 'seal', to);
  const opening = createContexts(openssl, workspace, contextsMax);
  let hasEnded = false;

  // The AAD is this pass's own: others come in between at every await of the sweep.
  let aad = fixedMemory(openssl, place.length + 64);
  place.copy(aad.bytes);
  let aadBytes = 0;
  let aadLength = 0n;

  // Held together with its address: as long as it is, the memory is not collected.
  let source: Buffer | null = null;
  let sourceAddress = 0n;
  let target: Buffer | null = null;
  let targetAddress = 0n;
  let areOne = false;

  const takeMemories = (from: Buffer, into: Buffer): void => {
    source = null;
    target = null;
    sourceAddress = addressOf(openssl, from);
    targetAddress = addressOf(openssl, into);
    areOne = from.buffer === into.buffer;
    source = from;
    target = into;
  };

  const bindTo = (from: Buffer, idAt: number, idBytes: number): void => {
    const bytes = place.length + idBytes;
    if (bytes > aad.bytes.length) {
      const more = fixedMemory(openssl, 2 * bytes);
      place.copy(more.bytes);
      aad = more;
    }
    if (bytes !== aadBytes) {
      aadBytes = bytes;
      aadLength = BigInt(bytes);
    }
    const into = aad.bytes;
    for (let byte = 0; byte < idBytes; byte += 1) into[place.length + byte] = from[idAt + byte] ?? 0;
  };

  /** Into the plaintext's room; false when it does not authenticate. An IV alone begins anew, whatever was before it. */
  const open = (context: bigint, at: number, plaintext: bigint, bytes: number): boolean => {
    const { EVP_DecryptInit_ex: init, EVP_DecryptUpdate: update, EVP_DecryptFinal_ex: final } = openssl;
    const text = at + PREFIX_BYTES;
    needDone(openssl, init(context, none, none, none, behind(sourceAddress, at + HEADER_BYTES)), 'an IV');
    needDone(openssl, update(context, none, count, aad.address, aadLength), 'an AAD');
    if (bytes > 0) {
      const answer = update(context, plaintext, count, behind(sourceAddress, text), behind(none, bytes));
      needDone(openssl, answer, 'a ciphertext');
      needCount(bytes);
    }
    const tag = openssl.EVP_CIPHER_CTX_ctrl(context, setTag, tagBytes, behind(sourceAddress, text + bytes));
    needDone(openssl, tag, 'a tag');
    const answer = final(context, plaintext, count);
    if (answer === 1) return true;
    openssl.ERR_clear_error();
    if (answer !== 0) throw new CipherFault('OpenSSL could not finish opening');
    return false;
  };

  /** What stands in the plaintext's room, which was authenticated. The IV stands at its place already. */
  const seal = (at: number, plaintext: bigint, bytes: number): void => {
    const { EVP_EncryptInit_ex: init, EVP_EncryptUpdate: update, EVP_EncryptFinal_ex: final } = openssl;
    const text = at + PREFIX_BYTES;
    needDone(openssl, init(sealing, none, none, none, behind(targetAddress, at + HEADER_BYTES)), 'an IV');
    needDone(openssl, update(sealing, none, count, aad.address, aadLength), 'an AAD');
    if (bytes > 0) {
      const answer = update(sealing, behind(targetAddress, text), count, plaintext, behind(none, bytes));
      needDone(openssl, answer, 'a plaintext');
      needCount(bytes);
    }
    needDone(openssl, final(sealing, plaintext, count), 'to finish sealing');
    const tag = openssl.EVP_CIPHER_CTX_ctrl(sealing, getTag, tagBytes, behind(targetAddress, text + bytes));
    needDone(openssl, tag, 'the tag');
  };

  const needCount = (bytes: number): void => {
    if (writtenCount[0] !== bytes) throw new CipherFault('OpenSSL wrote another number of bytes');
  };

  const reencryptAt = (context: bigint, from: number, into: Buffer, at: number, bytes: number): Outcome => {
    const room = workspace.plaintext(bytes);
    try {
      if (!open(context, from, room.address, bytes)) return 'AUTHENTICATION_FAILED';
      ivs.moveNext(into, at + HEADER_BYTES);
      seal(at, room.address, bytes);
      writeHeader(into, at, toKeyNumber);
      return 'done';
    } finally {
      openssl.OPENSSL_cleanse(room.address, behind(none, bytes));
    }
  };

  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    opening.free();
    openssl.EVP_CIPHER_CTX_free(sealing);
    source = null;
    target = null;
  };

  return {
    reencrypt(from, memory, idAt, idBytes, ciphertextAt, ciphertextBytes, into, at) {
      if (hasEnded) throw new CipherFault('this pass has ended');
      needPart(memory, idAt, idBytes);
      needPart(memory, ciphertextAt, ciphertextBytes);
      needPart(into, at, ciphertextBytes);
      if (memory !== source || into !== target) takeMemories(memory, into);
      if (areOne) needApart(memory.byteOffset + ciphertextAt, into.byteOffset + at, ciphertextBytes);
      const context = opening.of(from);
      if (readKeyNumberAt(memory, ciphertextAt, ciphertextBytes) === null) return 'MALFORMED';
      bindTo(memory, idAt, idBytes);
      try {
        return reencryptAt(context, ciphertextAt, into, at, ciphertextBytes - OVERHEAD_BYTES);
      } catch (error) {
        end(); // nobody goes on with a context that did what it should not
        throw error;
      }
    },
    retain: (keys: ReadonlySet<DekKey>) => opening.retain(keys),
    end,
  };
}

function needApart(from: number, to: number, bytes: number): void {
  if (from < to + bytes && to < from + bytes) throw new RangeError('a record cannot be written over itself');
}
