import { Buffer } from 'node:buffer';
import { openByInnerKey, partsOf, sealByInnerKey } from '../inner-key.ts';
import type { OpenKek } from '../kek.ts';
import { parseAzureKey } from '../key-names/azure-kv.ts';
import { KmsError } from '../kms-error.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { createCredentials } from './azure-kv-credentials.ts';
import { attemptMs, codeOf, Garbled, NotAnswered, type Operation } from './azure-kv-errors.ts';
import { ask, challenge } from './azure-kv-http.ts';

// Told of the inner key: the key's version (16) ‖ length (16 bits) and bytes of the wrapped inner key: docs/ciphertext-format.md
const form = 0x02;
const toldBytes = 18;

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
  let asked: Awaited<ReturnType<typeof challenge>> | null = null;
  let isClosed = false;

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `Key Vault, ${key.host}/keys/${key.name}: ${said}`, { kekId: key.id });

  /** A token that ended or was revoked is refused as a wrong one is: challenged and asked once more. */
  const answerTo = async (operation: Operation, version: string, value: Buffer, signal: AbortSignal) => {
    const once = async (): Promise<Members> => {
      asked ??= await challenge(key, signal);
      const token = await credentials.token(asked.audience, signal);
      return ask(key, operation, version, value, { token, signal });
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof NotAnswered) || error.httpStatus !== 401) throw error;
      credentials.drop();
      asked = null;
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
        const { code, said } = codeOf(error, operation, asked?.off ?? null);
        // By then the clock may have been put right.
        if (asked?.off != null) asked = null;
        throw failed(code, said);
      }
    });

  return {
    id: key.id,
    uri,
    wrap: (dek, aad) =>
      sealByInnerKey(form, dek, aad, (inner) =>
        call('wrapkey', '', inner, (version, blob) => {
          const told = Buffer.alloc(toldBytes);
          told.write(version, 'hex');
          told.writeUInt16BE(blob.length, 16);
          return Buffer.concat([told, blob]);
        }),
      ),
    async unwrap(wrapped, aad) {
      const parts = partsOf(form, toldBytes, wrapped, 'a Key Vault key');
      const { told } = parts;
      return call('unwrapkey', told.toString('hex', 0, 16), told.subarray(toldBytes), (_, inner) =>
        openByInnerKey(inner, parts, aad),
      );
    },
    async close() {
      isClosed = true;
      credentials.drop();
    },
  };
};
