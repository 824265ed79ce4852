import type { KmsErrorCode } from '../kms-error.ts';

/** What RFC and modules call it → ours. A name that stands here may be repeated; no other may. */
const codes: Readonly<Record<string, KmsErrorCode>> = {
  CKR_PIN_INCORRECT: 'DENIED',
  CKR_PIN_INVALID: 'DENIED',
  CKR_PIN_LEN_RANGE: 'DENIED',
  CKR_PIN_EXPIRED: 'DENIED',
  CKR_PIN_LOCKED: 'DENIED',
  CKR_USER_PIN_NOT_INITIALIZED: 'DENIED',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'DENIED',
  CKR_KEY_TYPE_INCONSISTENT: 'DENIED',
  CKR_MECHANISM_INVALID: 'DENIED',
  CKR_MECHANISM_PARAM_INVALID: 'DENIED',
  CKR_ARGUMENTS_BAD: 'DENIED',
  CKR_ENCRYPTED_DATA_INVALID: 'CORRUPT',
  CKR_ENCRYPTED_DATA_LEN_RANGE: 'CORRUPT',
  CKR_AEAD_DECRYPT_FAILED: 'CORRUPT',
  CKR_DEVICE_ERROR: 'UNAVAILABLE',
  CKR_DEVICE_MEMORY: 'UNAVAILABLE',
  CKR_DEVICE_REMOVED: 'UNAVAILABLE',
  CKR_TOKEN_NOT_PRESENT: 'UNAVAILABLE',
  CKR_TOKEN_NOT_RECOGNIZED: 'UNAVAILABLE',
  CKR_SLOT_ID_INVALID: 'UNAVAILABLE',
  CKR_SESSION_HANDLE_INVALID: 'UNAVAILABLE',
  CKR_SESSION_CLOSED: 'UNAVAILABLE',
  CKR_SESSION_COUNT: 'UNAVAILABLE',
  CKR_KEY_HANDLE_INVALID: 'UNAVAILABLE',
  CKR_OBJECT_HANDLE_INVALID: 'UNAVAILABLE',
  CKR_USER_NOT_LOGGED_IN: 'UNAVAILABLE',
  CKR_OPERATION_ACTIVE: 'UNAVAILABLE',
  CKR_CRYPTOKI_NOT_INITIALIZED: 'UNAVAILABLE',
  CKR_HOST_MEMORY: 'UNAVAILABLE',
  CKR_GENERAL_ERROR: 'UNAVAILABLE',
  CKR_FUNCTION_FAILED: 'UNAVAILABLE',
};

/** The name that the module gave its error, where it is one of ours. */
export function nameOf(error: unknown): string | null {
  const name = error instanceof Error ? error.message : '';
  return Object.hasOwn(codes, name) ? name : null;
}

export function codeOf(error: unknown): { readonly code: KmsErrorCode; readonly said: string } {
  const name = nameOf(error);
  if (name !== null) return { code: codes[name] ?? 'UNAVAILABLE', said: name };
  if (error instanceof DOMException) return { code: 'UNAVAILABLE', said: 'does not answer in time' };
  const number = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
  return {
    code: 'UNAVAILABLE',
    said: Number.isInteger(number) ? `an unknown error (0x${number.toString(16)})` : 'an unknown error',
  };
}

/** With these some modules say that a tag does not fit, others that something broke. */
export const meansEither = (error: unknown): boolean =>
  ['CKR_GENERAL_ERROR', 'CKR_FUNCTION_FAILED'].includes(nameOf(error) ?? '');
