import { Buffer } from 'node:buffer';
import {
  constants,
  createHash,
  createPublicKey,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { openByInnerKey, partsOf, sealByInnerKey } from '../inner-key.ts';
import type { Kek } from '../kek.ts';
import { KmsError } from '../kms-error.ts';
import { codeOf, meansEither } from './pkcs11-errors.ts';
import type { TokenKey } from './pkcs11-key.ts';
import { type FindKey, keyInside, type Module, type Session } from './pkcs11-session.ts';
import { openToken } from './pkcs11-token.ts';

// Told of the inner key: the hash of OAEP (1) ‖ fingerprint of the public key (8) ‖ length (16 bits) and bytes of the wrapped inner
// key: docs/ciphertext-format.md
const form = 0x04;
const toldBytes = 11;
const leastBits = 2_048;
const mostBits = 4_096;

/** CKZ_DATA_SPECIFIED, which the binding does not name; none is given. */
const sourceIsGiven = 1;

/** OAEP takes the same hash for its mask. No other padding is ever asked for. */
const hashes = {
  sha256: { number: 1, hashAlg: pkcs11js.CKM_SHA256, mgf: pkcs11js.CKG_MGF1_SHA256 },
  sha1: { number: 2, hashAlg: pkcs11js.CKM_SHA_1, mgf: pkcs11js.CKG_MGF1_SHA1 },
} as const;
type Hash = keyof typeof hashes;

interface PublicHalf {
  readonly key: KeyObject;
  readonly bytes: number;
  readonly fingerprint: Buffer;
}

/**
 * By what the private key itself says of it. An object beside it that holds the public half is nobody's word: who has no PIN may put
 * one there, and would be sent the inner keys.
 */
function publicHalf(module: Module, handle: Buffer, key: Buffer): PublicHalf {
  const [n, e] = module
    .C_GetAttributeValue(handle, key, [
      { type: pkcs11js.CKA_MODULUS },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT },
    ])
    .map(({ value }) =>
      Buffer.isBuffer(value) ? value.subarray(value.findIndex((byte) => byte !== 0)) : null,
    );
  if (n == null || e == null || n.length === 0 || e.length === 0)
    throw new KmsError('DENIED', 'PKCS #11: the key does not tell its modulus and exponent');
  const bits = n.length * 8 - Math.clz32(n.readUInt8(0)) + 24;
  if (bits < leastBits || bits > mostBits || e.length < 3)
    throw new KmsError(
      'DENIED',
      'PKCS #11: the key is no RSA key of 2,048 to 4,096 bits with exponent 65537',
    );
  const jwk = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('sha256').update(spki).digest().subarray(0, 8);
  return { key: publicKey, bytes: n.length, fingerprint };
}

/** A key that decrypts and that the token keeps to itself. */
const decryptingKey: FindKey = (module, handle, key) => {
  const found = keyInside(module, handle, key, {
    ofClass: pkcs11js.CKO_PRIVATE_KEY,
    type: pkcs11js.CKK_RSA,
    name: 'RSA key',
  });
  publicHalf(module, handle, found);
  return found;
};

/** With these a module says that it does not know a hash of OAEP; what else may pass is no reason to take a lesser one. */
const knowsNot: ReadonlySet<string> = new Set([
  'CKR_ARGUMENTS_BAD',
  'CKR_MECHANISM_INVALID',
  'CKR_MECHANISM_PARAM_INVALID',
  'CKR_ENCRYPTED_DATA_INVALID',
]);

const encrypted = ({ key }: PublicHalf, oaepHash: Hash, bytes: Buffer): Buffer =>
  publicEncrypt({ key, oaepHash, padding: constants.RSA_PKCS1_OAEP_PADDING }, bytes);

/**
 * A non-extractable RSA key in a token. It unwraps an inner key by OAEP, which binds nothing; the inner key seals the DEK with ours. The
 * token need not be asked to wrap, and is asked once for each opened KEK whether it unwraps what it will have to.
 */
export function openRsa(uri: string, key: TokenKey): Kek {
  const token = openToken(key, decryptingKey);
  const { module, call, failed } = token;
  let known: Hash | null = null;

  const decrypted = async ({ handle, key: held }: Session, hash: Hash, blob: Buffer): Promise<Buffer> => {
    const { hashAlg, mgf } = hashes[hash];
    const parameter = {
      type: pkcs11js.CK_PARAMS_RSA_OAEP,
      hashAlg,
      mgf,
      source: sourceIsGiven,
    };
    module.C_DecryptInit(handle, { mechanism: pkcs11js.CKM_RSA_PKCS_OAEP, parameter }, held);
    const memory = Buffer.alloc(blob.length);
    try {
      return Buffer.from(Uint8Array.from(await module.C_DecryptAsync(handle, blob, memory)).buffer);
    } finally {
      memory.fill(0);
    }
  };

  /** In a session of its own: that of others stays theirs. Throws the module's errors. */
  const works = (hash: Hash): Promise<boolean> =>
    token.aside(async (probe) => {
      const bytes = randomBytes(32);
      const blob = encrypted(publicHalf(module, probe.handle, probe.key), hash, bytes);
      return (await decrypted(probe, hash, blob)).equals(bytes);
    });

  /** SHA-256 where the token has it: no mechanism info tells of hashes, so that it is tried. */
  const bestHash = async (): Promise<Hash> => {
    for (const hash of ['sha256', 'sha1'] as const)
      try {
        if (await works(hash)) return hash;
      } catch (error) {
        if (!(error instanceof Error && knowsNot.has(error.message))) throw error;
      }
    throw failed(
      'DENIED',
      'the token does not unwrap by OAEP what the public half of its key wraps, neither with SHA-256 nor with SHA-1',
    );
  };

  return {
    id: key.id,
    uri,
    wrap: (dek, aad) =>
      sealByInnerKey(form, dek, aad, (inner) =>
        call(async (session) => {
          known ??= await bestHash();
          const half = publicHalf(module, session.handle, session.key);
          const blob = encrypted(half, known, inner);
          const told = Buffer.alloc(toldBytes);
          told.writeUInt8(hashes[known].number);
          half.fingerprint.copy(told, 1);
          told.writeUInt16BE(blob.length, 9);
          return Buffer.concat([told, blob]);
        }),
      ),
    async unwrap(wrapped, aad) {
      const parts = partsOf(form, toldBytes, wrapped, 'an RSA key in a token');
      const { told } = parts;
      const hash = told[0] === hashes.sha256.number ? 'sha256' : 'sha1';
      if (told[0] !== hashes[hash].number)
        throw new KmsError('CORRUPT', 'wrapped DEK: by a padding that is not known');
      return call(async (session) => {
        const half = publicHalf(module, session.handle, session.key);
        if (!half.fingerprint.equals(told.subarray(1, 9)))
          throw failed('NOT_FOUND', 'it was wrapped under another key of that name');
        const refused = new KmsError('CORRUPT', 'wrapped DEK: damaged, or copied from another tenant or DEK');
        const blob = told.subarray(toldBytes);
        if (blob.length !== half.bytes) throw refused;
        let inner: Buffer;
        try {
          inner = await decrypted(session, hash, blob);
        } catch (error) {
          const isRefused =
            codeOf(error).code === 'CORRUPT' ||
            (meansEither(error) && (await works(hash).catch(() => false)));
          throw isRefused ? refused : error;
        }
        return openByInnerKey(inner, parts, aad);
      });
    },
    close: () => token.close(),
  };
}
