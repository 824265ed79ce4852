import { Buffer } from 'node:buffer';
import { createCipheriv } from 'node:crypto';
import { type DekKey, EnvelopeError, type EnvelopeErrorCode, generateDek, importDek } from '@rekey/envelope';
import fc from 'fast-check';

export const someBytes = (maxLength = 1_000): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
export const someTenant = (): fc.Arbitrary<string> => fc.uuid();
export const someColumn = (): fc.Arbitrary<string> =>
  fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme' });
export const someKeyNumber = (): fc.Arbitrary<number> => fc.integer({ min: 1, max: 2 ** 31 - 1 });
export const newKey = (): DekKey => importDek(generateDek());

/** What assert.throws compares with: an EnvelopeError of this code. */
export const refusal =
  (code: EnvelopeErrorCode) =>
  (error: unknown): boolean =>
    error instanceof EnvelopeError && error.code === code;

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** AES-256-GCM straight from node:crypto, for comparison: ciphertext ‖ tag. */
export function rawGcm(key: DekKey, iv: Buffer, aad: Buffer, plaintext: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}
