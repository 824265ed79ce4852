import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { crc32c } from '../crc32c.ts';
import type { OpenKek } from '../kek.ts';
import { KmsError } from '../kms-error.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { codeOf, meansEither } from './pkcs11-errors.ts';
import { parseTokenKey } from './pkcs11-key.ts';
import { closeSession, leaveModule, openSession, type Session, useModule } from './pkcs11-session.ts';

// A wrapped DEK: 0x03 ‖ CRC-32C of all that follows ‖ IV (12) ‖ ciphertext (32) ‖ tag (16): docs/ciphertext-format.md
const form = 0x03;
const headBytes = 5;
const ivBytes = 12;
const dekBytes = 32;
const tagBytes = 16;
const wholeBytes = headBytes + ivBytes + dekBytes + tagBytes;

/** How long the token may take for one operation. */
const attemptMs = 3_000;

/**
 * A non-extractable AES key in a token that a PKCS #11 module reaches; the token seals with AES-GCM, and ours is its AAD.
 *
 * @throws KmsError `INVALID_URI`, also for a module that cannot be loaded; `DENIED`
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseTokenKey(rest);
  const module = useModule(key.module);
  let session: Session | null = null;
  let isClosed = false;
  /** Of the last operation: a session has one at a time. */
  let last: Promise<unknown> = Promise.resolve();

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `PKCS #11, ${key.id}: ${said}`, { kekId: key.id });

  const drop = (): void => {
    if (session !== null) closeSession(module, session.handle);
    session = null;
  };

  /** Of an operation that was given up and is still in the module: the module stays, and its session is closed behind it. */
  const abandon = (working: Promise<unknown>): void => {
    const left = session;
    session = null;
    useModule(key.module);
    const done = (): void => {
      if (left !== null) closeSession(module, left.handle);
      leaveModule(key.module);
    };
    working.then(done, done);
  };

  const gcm = (iv: Buffer, aad: Buffer) => ({
    mechanism: pkcs11js.CKM_AES_GCM,
    parameter: { type: pkcs11js.CK_PARAMS_AES_GCM, iv, aad, ivBits: ivBytes * 8, tagBits: tagBytes * 8 },
  });

  const opened = async (): Promise<Session> => {
    session ??= await openSession(module, key);
    return session;
  };

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
  const works = async (): Promise<boolean> => {
    const [iv, aad, bytes] = [randomBytes(ivBytes), randomBytes(16), randomBytes(dekBytes)];
    let probe: Session | undefined;
    try {
      probe = await openSession(module, key);
      return (await unseal(probe, iv, aad, await seal(probe, iv, aad, bytes))).equals(bytes);
    } catch {
      return false;
    } finally {
      if (probe !== undefined) closeSession(module, probe.handle);
    }
  };

  /** One after the other; in a bounded time; in errors of ours. A session that anything failed in is not used again. */
  const call = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    withRetries(() => {
      const turn = last.then(async () => {
        if (isClosed) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
        let working: Promise<Answer> | undefined;
        try {
          return await inTime(attemptMs, () => {
            working = work();
            return working;
          });
        } catch (error) {
          if (error instanceof DOMException && working !== undefined) abandon(working);
          else drop();
          if (error instanceof KmsError) {
            const { code, message } = error;
            throw message.startsWith('PKCS #11: ') ? failed(code, message.slice(10)) : error;
          }
          const { code, said } = codeOf(error);
          throw failed(code, said);
        }
      });
      last = turn.catch(() => {});
      return turn;
    });

  return {
    id: key.id,
    uri,
    async wrap(dek, aad) {
      return call(async () => {
        const iv = randomBytes(ivBytes);
        const after = Buffer.concat([iv, await seal(await opened(), iv, aad, dek)]);
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
      return call(async () => {
        try {
          return await unseal(await opened(), after.subarray(0, ivBytes), aad, after.subarray(ivBytes));
        } catch (error) {
          const isRefused = codeOf(error).code === 'CORRUPT' || (meansEither(error) && (await works()));
          if (!isRefused) throw error;
          throw new KmsError('CORRUPT', 'wrapped DEK: of another key, or copied from another tenant or DEK');
        }
      });
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await last;
      drop();
      leaveModule(key.module);
    },
  };
};
