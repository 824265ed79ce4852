export { HEADER_BYTES, OVERHEAD_BYTES, PREFIX_BYTES, readKeyNumber } from './ciphertext-layout.ts';
export { DEK_BYTES, type DekKey, generateDek, importDek } from './dek.ts';
export { dekWrapAad } from './dek-wrap-aad.ts';
export { EnvelopeError, type EnvelopeErrorCode } from './envelope-error.ts';
export { gcmOpen, gcmSeal, IV_BYTES, TAG_BYTES } from './gcm.ts';
export { createRecordCipher, type RecordCipher } from './record-cipher.ts';
export { bigintBytes, type RecordIdType, recordIdBytes, uuidBytes } from './record-id.ts';
