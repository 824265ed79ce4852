export {
  type BatchCipher,
  CipherFault,
  type Outcome,
  type Reencryption,
} from './batch/batch-cipher.ts';
export { type ChosenCipher, type CipherChoice, openBatchCipher } from './batch/open-batch-cipher.ts';
export { FfiUnavailable } from './batch/openssl.ts';
export {
  HEADER_BYTES,
  OVERHEAD_BYTES,
  PREFIX_BYTES,
  readKeyNumber,
  readKeyNumberAt,
} from './ciphertext-layout.ts';
export { DEK_BYTES, type DekKey, generateDek, importDek } from './dek.ts';
export { dekCheck, isDek } from './dek-check.ts';
export { dekWrapAad } from './dek-wrap-aad.ts';
export { EnvelopeError, type EnvelopeErrorCode } from './envelope-error.ts';
export type { Format } from './formats/format.ts';
export { formatOf, formats } from './formats/format-of.ts';
export { gcmOpen, gcmSeal, IV_BYTES, TAG_BYTES } from './gcm.ts';
export { createRecordCipher, type RecordCipher } from './record-cipher.ts';
export { bigintBytes, type RecordIdType, recordIdBytes, uuidBytes } from './record-id.ts';
