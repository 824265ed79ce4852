import { Buffer } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { OpenKek } from '../kek.ts';
import { parseTransitKey } from '../key-names/hcvault.ts';
import { KmsError } from '../kms-error.ts';
import { membersOf } from '../read-answer.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { attemptMs, codeOf, NotAnswered } from './hcvault-errors.ts';
import { ask } from './hcvault-http.ts';
import { createSession, type Session } from './hcvault-session.ts';

// A wrapped DEK: 0x01 ‖ the key's version (32 bits) ‖ the bytes that Transit shows as base64: docs/ciphertext-format.md
const version = 0x01;
const headBytes = 5;
const dekBytes = 32;

/**
 * A key of the Transit engine of HashiCorp Vault or OpenBao: `hcvault:https://<host>/<mount>/keys/<name>`. What it wraps is bound to
 * tenant and DEK twice: as associated data, and inside, since servers before 1.9 pass over that silently.
 *
 * @throws KmsError `INVALID_URI`. Whether the key can be used is seen when it is
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseTransitKey(rest);
  let session: Session | null = createSession(key);

  /** The answer's data. Throws nothing of the server's: its messages may quote what was sent. */
  const call = (operation: 'encrypt' | 'decrypt', body: Record<string, string>) =>
    withRetries(async () => {
      if (session === null) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
      const mine = session;
      const path = `${key.mount}/${operation}/${key.name}`;
      try {
        return await inTime(attemptMs, async (signal) => {
          const token = await mine.token();
          try {
            return membersOf((await ask(key, { path, token, body }, signal)).data);
          } catch (error) {
            const isRefused = error instanceof NotAnswered && error.status === 403 && error.errors !== null;
            // A token that ended is refused as one without rights is.
            if (!isRefused || !(await mine.another(token, signal))) throw error;
            return membersOf((await ask(key, { path, token: await mine.token(), body }, signal)).data);
          }
        });
      } catch (error) {
        if (error instanceof KmsError) throw new KmsError(error.code, error.message, { kekId: key.id });
        const { code, said } = codeOf(error);
        throw failed(code, said);
      }
    });

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `Vault Transit, ${key.id}: ${said}`, { kekId: key.id });

  return {
    id: key.id,
    uri,
    async wrap(dek, aad) {
      const sent = Buffer.concat([dek, bindingOf(aad)]);
      const plaintext = sent.toString('base64');
      sent.fill(0);
      const data = await call('encrypt', { plaintext, associated_data: aad.toString('base64') });
      const wrapped = fromText(data?.ciphertext);
      if (wrapped === null) throw failed('UNAVAILABLE', 'an answer without a ciphertext');
      return wrapped;
    },
    async unwrap(wrapped, aad) {
      // There is no version 0, which servers take for 1.
      if (wrapped.length <= headBytes || wrapped[0] !== version || wrapped.readUInt32BE(1) === 0)
        throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that a Transit key makes');
      const data = await call('decrypt', {
        ciphertext: toText(wrapped),
        associated_data: aad.toString('base64'),
      });
      if (typeof data?.plaintext !== 'string') throw failed('UNAVAILABLE', 'an answer without a plaintext');
      const plain = Buffer.from(data.plaintext, 'base64');
      try {
        if (plain.length !== dekBytes + 32)
          throw failed('CORRUPT', 'what was wrapped is no DEK of 32 bytes with its binding');
        if (!timingSafeEqual(plain.subarray(dekBytes), bindingOf(aad)))
          throw failed('CORRUPT', 'what was wrapped is bound to another tenant or DEK');
        const dek = Buffer.alloc(dekBytes);
        dek.set(plain.subarray(0, dekBytes));
        return dek;
      } finally {
        plain.fill(0);
      }
    },
    async close() {
      session?.close();
      session = null;
    },
  };
};

function bindingOf(aad: Buffer): Buffer {
  return createHash('sha256').update(aad).digest();
}

/** `vault:v<version>:<base64>`. Null: not of that form. */
function fromText(text: unknown): Buffer | null {
  if (typeof text !== 'string') return null;
  const [, number, base64 = ''] =
    /^vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/]{40,1300}={0,2})$/.exec(text) ?? [];
  if (number === undefined) return null;
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(version);
  head.writeUInt32BE(Number(number), 1);
  return Buffer.concat([head, Buffer.from(base64, 'base64')]);
}

function toText(wrapped: Buffer): string {
  return `vault:v${wrapped.readUInt32BE(1)}:${wrapped.subarray(headBytes).toString('base64')}`;
}
