import { clockOff } from '../clock-off.ts';
import type { KmsErrorCode } from '../kms-error.ts';
import { membersOf } from '../read-answer.ts';

/** How long one attempt may take, credentials included. */
export const attemptMs = 3_000;

/** What AWS says, and what it is to us: docs/kek-providers.md. Whatever is not here is waited out. */
const codes: Readonly<Record<string, KmsErrorCode>> = {
  ThrottlingException: 'UNAVAILABLE',
  Throttling: 'UNAVAILABLE',
  TooManyRequestsException: 'UNAVAILABLE',
  RequestLimitExceeded: 'UNAVAILABLE',
  LimitExceededException: 'UNAVAILABLE',
  KMSInternalException: 'UNAVAILABLE',
  DependencyTimeoutException: 'UNAVAILABLE',
  KeyUnavailableException: 'UNAVAILABLE',
  DryRunOperationException: 'UNAVAILABLE',
  CloudHsmClusterNotActiveException: 'UNAVAILABLE',
  XksProxyUriUnreachableException: 'UNAVAILABLE',
  InternalFailure: 'UNAVAILABLE',
  InternalServerError: 'UNAVAILABLE',
  ServiceUnavailable: 'UNAVAILABLE',
  ServiceUnavailableException: 'UNAVAILABLE',
  RequestTimeout: 'UNAVAILABLE',
  TimeoutError: 'UNAVAILABLE',
  AbortError: 'UNAVAILABLE',
  CredentialsProviderError: 'UNAVAILABLE',
  TokenProviderError: 'UNAVAILABLE',
  ExpiredTokenException: 'UNAVAILABLE',
  RequestExpired: 'UNAVAILABLE',
  RequestTimeTooSkewed: 'UNAVAILABLE',

  DisabledException: 'DENIED',
  KMSInvalidStateException: 'DENIED',
  AccessDeniedException: 'DENIED',
  NotAuthorized: 'DENIED',
  OptInRequired: 'DENIED',
  InvalidGrantTokenException: 'DENIED',
  InvalidKeyUsageException: 'DENIED',
  UnrecognizedClientException: 'DENIED',
  InvalidClientTokenId: 'DENIED',
  InvalidSignatureException: 'DENIED',
  IncompleteSignature: 'DENIED',
  MissingAuthenticationToken: 'DENIED',
  MissingAuthenticationTokenException: 'DENIED',

  NotFoundException: 'NOT_FOUND',
  IncorrectKeyException: 'NOT_FOUND',
  InvalidArnException: 'NOT_FOUND',

  InvalidCiphertextException: 'CORRUPT',
};

/** What AWS says of a signature whose date is not its own. */
const ofClock = ['InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed'];

/**
 * Its code, and what may be told of it: a name that is in the table, or a number.
 *
 * @param correctedMs by how much the SDK had put its clock right when it signed: it learns that from each answer
 */
export function codeOf(
  error: unknown,
  correctedMs = 0,
): { readonly code: KmsErrorCode; readonly said: string } {
  const name = error instanceof Error ? error.name : '';
  const off = ofClock.includes(name) ? clockOff(dateOf(error), correctedMs) : null;
  // Nobody has withdrawn anything, and what comes next is signed by the right time.
  if (off !== null) return { code: 'UNAVAILABLE', said: `${name} (${off})` };
  if (Object.hasOwn(codes, name)) return { code: codes[name] ?? 'UNAVAILABLE', said: name };
  const status = statusOf(error);
  if (status !== null) return { code: 'UNAVAILABLE', said: `an unknown error with HTTP status ${status}` };
  const system = error instanceof Error && 'code' in error ? String(error.code) : '';
  const said = /^E[A-Z_]{2,30}$/.test(system) ? `cannot be reached (${system})` : 'cannot be reached';
  return { code: 'UNAVAILABLE', said };
}

/** Whether a server has answered with an error, so that the connection is not at fault; one that was cut off is none. */
export function isAnswer(error: unknown): boolean {
  return (statusOf(error) ?? 0) >= 300;
}

function dateOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('$response' in error)) return null;
  const date = membersOf(membersOf(error.$response)?.headers)?.date;
  return typeof date === 'string' ? date : null;
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null;
  const metadata: unknown = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return null;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
}
