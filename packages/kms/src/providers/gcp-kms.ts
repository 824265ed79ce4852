import { Buffer } from 'node:buffer';
import { crc32c } from '../crc32c.ts';
import type { OpenKek } from '../kek.ts';
import { parseGcpKey } from '../key-names/gcp-kms.ts';
import { KmsError } from '../kms-error.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { createCredentials } from './gcp-kms-credentials.ts';
import { attemptMs, codeOf, Garbled, NotAnswered, type Operation } from './gcp-kms-errors.ts';
import { ask } from './gcp-kms-http.ts';

// A wrapped DEK: 0x01 ‖ the key's version (32 bits) ‖ CRC-32C of that and of what follows ‖ the ciphertext of Cloud KMS:
// docs/ciphertext-format.md
const version = 0x01;
const headBytes = 9;
const dekBytes = 32;

type Members = Readonly<Record<string, unknown>>;

/**
 * A symmetric key of Google's Cloud KMS: `gcp-kms:projects/…/locations/…/keyRings/…/cryptoKeys/…`. Credentials are found as Google's
 * libraries find them. What it wraps is bound to tenant and DEK as additional authenticated data; all that is sent and
 * answered is held against its checksum, on both sides.
 *
 * @throws KmsError `INVALID_URI`. Whether the key can be used is seen when it is
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseGcpKey(rest);
  const credentials = createCredentials(key.project);
  let isClosed = false;

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `Cloud KMS, ${key.name}: ${said}`, { kekId: key.id });

  /** A token that ended, or a key of an account that was replaced, is refused as a wrong one is: asked once more. */
  const answerTo = async (
    operation: Operation,
    body: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Members> => {
    try {
      return await ask(key, operation, await credentials.headers(signal), body, signal);
    } catch (error) {
      if (!(error instanceof NotAnswered) || error.error?.status !== 'UNAUTHENTICATED') throw error;
      credentials.drop();
      return ask(key, operation, await credentials.headers(signal), body, signal);
    }
  };

  /** What `read` makes of the answer. Throws nothing of the server's: its messages may quote what was sent. */
  const call = <Read>(
    operation: Operation,
    body: Record<string, string>,
    read: (answer: Members) => Read,
  ): Promise<Read> =>
    withRetries(async () => {
      if (isClosed) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
      try {
        return read(await inTime(attemptMs, (signal) => answerTo(operation, body, signal)));
      } catch (error) {
        if (error instanceof KmsError) throw error;
        const { code, said } = codeOf(error, operation);
        throw failed(code, said);
      }
    });

  return {
    id: key.id,
    uri,
    wrap: (dek, aad) =>
      call(
        'encrypt',
        { ...member('plaintext', dek), ...member('additionalAuthenticatedData', aad) },
        (answer) => {
          if (
            answer.verifiedPlaintextCrc32c !== true ||
            answer.verifiedAdditionalAuthenticatedDataCrc32c !== true
          )
            throw new Garbled('the server did not verify what was sent by its checksum');
          const ciphertext = bytesOf(answer, 'ciphertext');
          const number = key.versionOf(answer.name);
          if (number === null) throw failed('NOT_FOUND', 'the answer is of another key');
          return packed(number, ciphertext);
        },
      ),
    async unwrap(wrapped, aad) {
      const ciphertext = unpacked(wrapped);
      return call(
        'decrypt',
        { ...member('ciphertext', ciphertext), ...member('additionalAuthenticatedData', aad) },
        (answer) => {
          const plain = bytesOf(answer, 'plaintext');
          try {
            if (plain.length !== dekBytes) throw failed('CORRUPT', 'what was wrapped is no DEK of 32 bytes');
            const dek = Buffer.alloc(dekBytes);
            dek.set(plain);
            return dek;
          } finally {
            plain.fill(0);
          }
        },
      );
    },
    async close() {
      isClosed = true;
      credentials.drop();
    },
  };
};

/** Bytes as base64, and beside them their checksum, which the API has as a decimal number in a string. */
function member(name: string, bytes: Buffer): Record<string, string> {
  return { [name]: bytes.toString('base64'), [`${name}Crc32c`]: String(crc32c(bytes)) };
}

function bytesOf(answer: Members, name: string): Buffer {
  const text = answer[name];
  if (typeof text !== 'string' || text.length > 1_300) throw new Garbled(`an answer without a ${name}`);
  const bytes = Buffer.from(text, 'base64');
  if (String(answer[`${name}Crc32c`]) === String(crc32c(bytes))) return bytes;
  bytes.fill(0);
  throw new Garbled('the checksum of the answer does not match it');
}

function packed(number: number, ciphertext: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(version);
  head.writeUInt32BE(number, 1);
  head.writeUInt32BE(crc32c(Buffer.concat([head.subarray(1, 5), ciphertext])), 5);
  return Buffer.concat([head, ciphertext]);
}

function unpacked(wrapped: Buffer): Buffer {
  if (wrapped.length <= headBytes || wrapped[0] !== version)
    throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that a Cloud KMS key makes');
  const ciphertext = wrapped.subarray(headBytes);
  if (wrapped.readUInt32BE(5) !== crc32c(Buffer.concat([wrapped.subarray(1, 5), ciphertext])))
    throw new KmsError('CORRUPT', 'wrapped DEK: damaged, by its checksum');
  return ciphertext;
}
