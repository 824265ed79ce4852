import { Buffer } from 'node:buffer';
import { createSecretKey, randomFillSync } from 'node:crypto';
import { EnvelopeError, gcmOpen, gcmSeal } from '@rekey/envelope';
import { crc32c } from '../crc32c.ts';
import type { OpenKek } from '../kek.ts';
import { parseAzureKey } from '../key-names/azure-kv.ts';
import { KmsError } from '../kms-error.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { createCredentials } from './azure-kv-credentials.ts';
import { attemptMs, codeOf, Garbled, NotAnswered, type Operation } from './azure-kv-errors.ts';
import { ask, challenge } from './azure-kv-http.ts';

// A wrapped DEK: 0x02 ‖ CRC-32C of all that follows ‖ the key's version (16) ‖ length (16 bits) and bytes of the wrapped
// inner key ‖ the DEK sealed under the inner key: docs/ciphertext-format.md
const form = 0x02;
const headBytes = 23;
const keyBytes = 32;
const sealedBytes = 12 + keyBytes + 16;

type Members = Readonly<Record<string, unknown>>;

/**
 * A key of Azure's Key Vault (RSA) or Managed HSM (RSA or AES). Its wrapKey binds nothing, so what it wraps is an inner
 * key, made for each DEK, which seals the DEK with tenant, DEK, version and the wrapped inner key as AAD.
 *
 * @throws KmsError `INVALID_URI`. Whether the key can be used is seen when it is
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseAzureKey(rest);
  const credentials = createCredentials();
  let audience: string | null = null;
  let isClosed = false;

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `Key Vault, ${key.host}/keys/${key.name}: ${said}`, { kekId: key.id });

  /** A token that ended or was revoked is refused as a wrong one is: challenged and asked once more. */
  const answerTo = async (operation: Operation, version: string, value: Buffer, signal: AbortSignal) => {
    const once = async (): Promise<Members> => {
      audience ??= await challenge(key, signal);
      const token = await credentials.token(audience, signal);
      return ask(key, operation, version, value, { token, signal });
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof NotAnswered) || error.httpStatus !== 401) throw error;
      credentials.drop();
      audience = null;
      return once();
    }
  };

  /** What `read` makes of the version and bytes of the answer. Throws nothing of the server's. */
  const call = <Read>(
    operation: Operation,
    version: string,
    value: Buffer,
    read: (version: string, bytes: Buffer) => Read,
  ): Promise<Read> =>
    withRetries(async () => {
      if (isClosed) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
      try {
        const answer = await inTime(attemptMs, (signal) => answerTo(operation, version, value, signal));
        const { value: text } = answer;
        if (typeof text !== 'string' || text === '' || text.length > 1_000)
          throw new Garbled('an answer without a value');
        const used = key.versionOf(answer.kid);
        if (used === null || (version !== '' && used !== version))
          throw failed('NOT_FOUND', 'the answer is of another key');
        return read(used, Buffer.from(text, 'base64url'));
      } catch (error) {
        if (error instanceof KmsError) throw error;
        const { code, said } = codeOf(error, operation);
        throw failed(code, said);
      }
    });

  return {
    id: key.id,
    uri,
    async wrap(dek, aad) {
      const inner = randomFillSync(Buffer.alloc(keyBytes));
      try {
        return await call('wrapkey', '', inner, (version, blob) => {
          const head = Buffer.alloc(headBytes);
          head.writeUInt8(form);
          head.write(version, 5, 'hex');
          head.writeUInt16BE(blob.length, 21);
          const bound = Buffer.concat([head.subarray(5), blob, aad]);
          const after = Buffer.concat([head.subarray(5), blob, gcmSeal(createSecretKey(inner), bound, dek)]);
          head.writeUInt32BE(crc32c(after), 1);
          return Buffer.concat([head.subarray(0, 5), after]);
        });
      } finally {
        inner.fill(0);
      }
    },
    async unwrap(wrapped, aad) {
      const { version, blob } = unpacked(wrapped);
      const end = wrapped.length - sealedBytes;
      return call('unwrapkey', version, blob, (_, inner) => {
        try {
          if (inner.length !== keyBytes) throw failed('CORRUPT', 'what was wrapped is no key of 32 bytes');
          const bound = Buffer.concat([wrapped.subarray(5, end), aad]);
          return gcmOpen(createSecretKey(inner), bound, wrapped.subarray(end));
        } catch (error) {
          if (!(error instanceof EnvelopeError)) throw error;
          throw new KmsError('CORRUPT', 'wrapped DEK: damaged, or copied from another tenant or DEK');
        } finally {
          inner.fill(0);
        }
      });
    },
    async close() {
      isClosed = true;
      credentials.drop();
    },
  };
};

function unpacked(wrapped: Buffer): { readonly version: string; readonly blob: Buffer } {
  if (
    wrapped[0] !== form ||
    wrapped.length <= headBytes + sealedBytes ||
    wrapped.length !== headBytes + wrapped.readUInt16BE(21) + sealedBytes
  )
    throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that a Key Vault key makes');
  if (wrapped.readUInt32BE(1) !== crc32c(wrapped.subarray(5)))
    throw new KmsError('CORRUPT', 'wrapped DEK: damaged, by its checksum');
  return {
    version: wrapped.toString('hex', 5, 21),
    blob: wrapped.subarray(headBytes, wrapped.length - sealedBytes),
  };
}
