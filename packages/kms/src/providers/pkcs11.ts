import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { crc32c } from '../crc32c.ts';
import type { OpenKek } from '../kek.ts';
import { KmsError } from '../kms-error.ts';
import { codeOf, meansEither } from './pkcs11-errors.ts';
import { parseTokenKey } from './pkcs11-key.ts';
import { openRsa } from './pkcs11-rsa.ts';
import { type FindKey, keyInside, numbersOf, type Session } from './pkcs11-session.ts';
import { openToken } from './pkcs11-token.ts';

// A wrapped DEK: 0x03 ‖ CRC-32C of all that follows ‖ IV (12) ‖ ciphertext (32) ‖ tag (16): docs/ciphertext-format.md
const form = 0x03;
const headBytes = 5;
const ivBytes = 12;
const dekBytes = 32;
const tagBytes = 16;
const wholeBytes = headBytes + ivBytes + dekBytes + tagBytes;

/** A key that seals and that the token keeps to itself. */
const sealingKey: FindKey = (module, handle, key) => {
  const name = 'AES key of 256 bits';
  const found = keyInside(module, handle, key, {
    ofClass: pkcs11js.CKO_SECRET_KEY,
    type: pkcs11js.CKK_AES,
    name,
  });
  const [bytes] = numbersOf(module, handle, found, [pkcs11js.CKA_VALUE_LEN]);
  if (bytes !== 32) throw new KmsError('DENIED', `PKCS #11: the key is no ${name}`);
  return found;
};

/**
 * A key in a token that a PKCS #11 module reaches, and that cannot be extracted: an AES key, with which the token seals with
 * AES-GCM and our AAD, or (`type=private`) an RSA key.
 *
 * @throws KmsError `INVALID_URI`, also for a module that cannot be loaded; `DENIED`
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseTokenKey(rest, ['secret-key', 'private']);
  if (key.type === 'private') return openRsa(uri, key);
  const token = openToken(key, sealingKey);
  const { module, call, failed } = token;

  // Of version 2.40 of the standard: what the binding calls by the bare name leaves the length in bits as it lies in memory, which
  // modules that look at it refuse.
  const gcm = (iv: Buffer, aad: Buffer) => ({
    mechanism: pkcs11js.CKM_AES_GCM,
    parameter: { type: pkcs11js.CK_PARAMS_AES_GCM_v240, iv, aad, ivBits: ivBytes * 8, tagBits: tagBytes * 8 },
  });

  const seal = ({ handle, key: held }: Session, iv: Buffer, aad: Buffer, bytes: Buffer): Promise<Buffer> => {
    module.C_EncryptInit(handle, gcm(iv, aad), held);
    return module.C_EncryptAsync(handle, bytes, Buffer.alloc(bytes.length + 64));
  };

  const unseal = async (
    { handle, key: held }: Session,
    iv: Buffer,
    aad: Buffer,
    sealed: Buffer,
  ): Promise<Buffer> => {
    module.C_DecryptInit(handle, gcm(iv, aad), held);
    const memory = Buffer.alloc(sealed.length + 64);
    try {
      return Buffer.from(Uint8Array.from(await module.C_DecryptAsync(handle, sealed, memory)).buffer);
    } finally {
      memory.fill(0);
    }
  };

  /** Whether the key seals and opens something of ours, in a session of its own: that of others stays theirs. */
  const works = (): Promise<boolean> => {
    const [iv, aad, bytes] = [randomBytes(ivBytes), randomBytes(16), randomBytes(dekBytes)];
    return token
      .aside(async (probe) => (await unseal(probe, iv, aad, await seal(probe, iv, aad, bytes))).equals(bytes))
      .catch(() => false);
  };

  return {
    id: key.id,
    uri,
    async wrap(dek, aad) {
      return call(async (session) => {
        const iv = randomBytes(ivBytes);
        const after = Buffer.concat([iv, await seal(session, iv, aad, dek)]);
        const wrapped = Buffer.alloc(headBytes + after.length);
        wrapped.writeUInt8(form);
        wrapped.writeUInt32BE(crc32c(after), 1);
        after.copy(wrapped, headBytes);
        if (wrapped.length !== wholeBytes) throw failed('UNAVAILABLE', 'an answer of another length');
        return wrapped;
      });
    },
    async unwrap(wrapped, aad) {
      if (wrapped.length !== wholeBytes || wrapped[0] !== form)
        throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that a PKCS #11 key makes');
      const after = wrapped.subarray(headBytes);
      if (wrapped.readUInt32BE(1) !== crc32c(after))
        throw new KmsError('CORRUPT', 'wrapped DEK: damaged, by its checksum');
      return call(async (session) => {
        try {
          return await unseal(session, after.subarray(0, ivBytes), aad, after.subarray(ivBytes));
        } catch (error) {
          const isRefused = codeOf(error).code === 'CORRUPT' || (meansEither(error) && (await works()));
          if (!isRefused) throw error;
          throw new KmsError('CORRUPT', 'wrapped DEK: of another key, or copied from another tenant or DEK');
        }
      });
    },
    close: () => token.close(),
  };
};
