import { OVERHEAD_BYTES, PREFIX_BYTES, readKeyNumberAt } from '../ciphertext-layout.ts';
import { createRecordCipher } from '../record-cipher.ts';
import type { Format } from './format.ts';

/** The format that all began with: docs/ciphertext-format.md. Header and IV are unique to every seal. */
export const envelopeV1: Format = {
  name: 'envelope-v1',
  keyOf: readKeyNumberAt,
  identityOf: (sealed) => sealed.subarray(0, PREFIX_BYTES),
  identityBytes: PREFIX_BYTES,
  sealedBytes: (plaintextBytes) => plaintextBytes + OVERHEAD_BYTES,
  at: createRecordCipher,
  begin: (cipher, order) => cipher.begin(order),
};
