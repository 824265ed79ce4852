import type { KmsErrorCode } from '../kms-error.ts';
import { unreached } from '../read-answer.ts';

/** How long one attempt may take, credentials included. */
export const attemptMs = 3_000;

export type Operation = 'wrapkey' | 'unwrapkey';

/** The server answered, and not with what was asked for. */
export class NotAnswered extends Error {
  readonly httpStatus: number;
  /** The codes of the answer's `error`, outer first; null: the answer is not one of Azure's. */
  readonly codes: readonly string[] | null;
  /** By how much our clock is not its own; null: by no more than is forgiven. */
  readonly off: string | null;
  constructor(httpStatus: number, codes: readonly string[] | null, off: string | null) {
    super('not answered');
    this.httpStatus = httpStatus;
    this.codes = codes;
    this.off = off;
  }
}

/** The challenge is not of the vault's own domain: whoever sent it would be given a token for something else. */
export class StrangeChallenge extends Error {}

/** An answer that cannot be used. Its message is ours. */
export class Garbled extends Error {}

/** No token was to be had. */
export class NoCredentials extends Error {
  readonly httpStatus: number | null;
  constructor(httpStatus: number | null) {
    super('no credentials');
    this.httpStatus = httpStatus;
  }
}

/** The inner codes first: they say more. A name that stands here may be repeated; no other may. */
const codes: Readonly<Record<string, KmsErrorCode>> = {
  KeyDisabled: 'DENIED',
  KeyNotYetValid: 'DENIED',
  KeyExpired: 'DENIED',
  SecretDisabled: 'DENIED',
  AccessDenied: 'DENIED',
  ForbiddenByPolicy: 'DENIED',
  ForbiddenByRbac: 'DENIED',
  ForbiddenByFirewall: 'DENIED',
  ForbiddenByConnection: 'DENIED',
  VaultDisabled: 'DENIED',
  // Somebody deleted it and can bring it back: as a key of AWS whose deletion is pending.
  ObjectIsDeletedButRecoverable: 'DENIED',
  ObjectIsBeingDeleted: 'DENIED',
  ObjectIsBeingRecovered: 'UNAVAILABLE',
  Forbidden: 'DENIED',
  Unauthorized: 'DENIED',
  KeyOperationNotPermitted: 'DENIED',
  OperationNotAllowed: 'DENIED',
  KeyNotFound: 'NOT_FOUND',
  VaultNotFound: 'NOT_FOUND',
  NotFound: 'NOT_FOUND',
  Throttled: 'UNAVAILABLE',
  TooManyRequests: 'UNAVAILABLE',
  Conflict: 'UNAVAILABLE',
  InternalServerError: 'UNAVAILABLE',
  InternalError: 'UNAVAILABLE',
  ServiceUnavailable: 'UNAVAILABLE',
  ServerBusy: 'UNAVAILABLE',
};

const badParameter = ['BadParameter', 'InvalidParameter', 'BadRequest'];

interface Meaning {
  readonly code: KmsErrorCode;
  /** Without a word of the server's. */
  readonly said: string;
}

/** @param off by how much our clock is not the vault's */
export function codeOf(error: unknown, operation: Operation, off: string | null): Meaning {
  if (error instanceof Garbled) return { code: 'UNAVAILABLE', said: error.message };
  if (error instanceof StrangeChallenge)
    return { code: 'DENIED', said: 'its challenge names another domain than its own; no token was sent' };
  if (error instanceof NoCredentials) return ofCredentials(error.httpStatus, off);
  if (!(error instanceof NotAnswered)) return { code: 'UNAVAILABLE', said: unreached(error) };
  const { httpStatus } = error;
  if (error.codes === null)
    return {
      code: 'UNAVAILABLE',
      said:
        httpStatus >= 300 && httpStatus < 400
          ? `a redirect (HTTP status ${httpStatus}), which is not followed`
          : `an answer that is not Azure's, with HTTP status ${httpStatus}`,
    };
  // What proves who we are is dated and kept by our clock; nobody has withdrawn anything.
  if (httpStatus === 401 && error.off !== null)
    return { code: 'UNAVAILABLE', said: `Unauthorized (${error.off})` };
  const known = error.codes.findLast((one) => Object.hasOwn(codes, one));
  if (known !== undefined) return { code: codes[known] ?? 'UNAVAILABLE', said: known };
  const bad = error.codes.find((one) => badParameter.includes(one));
  // To wrap is refused of a key that is for something else, and what is wrapped is always of one form.
  if (bad !== undefined) return { code: operation === 'unwrapkey' ? 'CORRUPT' : 'DENIED', said: bad };
  return { code: 'UNAVAILABLE', said: `an unknown error with HTTP status ${httpStatus}` };
}

function ofCredentials(httpStatus: number | null, off: string | null): Meaning {
  const said = `the credentials are refused (HTTP status ${httpStatus})`;
  if (httpStatus !== null && [400, 401, 403].includes(httpStatus))
    return off === null ? { code: 'DENIED', said } : { code: 'UNAVAILABLE', said: `${said} (${off})` };
  return { code: 'UNAVAILABLE', said: 'there are no credentials for the moment' };
}
