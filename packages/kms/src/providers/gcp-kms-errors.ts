import { clockOff } from '../clock-off.ts';
import type { KmsErrorCode } from '../kms-error.ts';
import { unreached } from '../read-answer.ts';

/** How long one attempt may take, credentials included. */
export const attemptMs = 3_000;

export type Operation = 'encrypt' | 'decrypt';

/** The server answered, and not with what was asked for. Holds what it said, which goes no further than `codeOf`. */
export class NotAnswered extends Error {
  readonly httpStatus: number;
  /** The `error` of the answer; null: the answer is not one of Google's, but of something on the way. */
  readonly error: { readonly status: string; readonly text: string } | null;

  /** When it said so, by its clock. */
  readonly date: string | null;

  constructor(httpStatus: number, error: NotAnswered['error'], date: string | null) {
    super('not answered');
    this.httpStatus = httpStatus;
    this.error = error;
    this.date = date;
  }
}

/** What the request or the answer was on one side is not what it was on the other, by a checksum. */
export class Garbled extends Error {}

/** There are no credentials. The status: who was asked for a token refused it with that. */
export class NoCredentials extends Error {
  readonly httpStatus: number | null;

  constructor(httpStatus: number | null) {
    super('no credentials');
    this.httpStatus = httpStatus;
  }
}

/** By `error.status` of Google's answer: docs/kek-providers.md. Whatever is not here is waited out. */
const codes: Readonly<Record<string, KmsErrorCode>> = {
  UNAVAILABLE: 'UNAVAILABLE',
  RESOURCE_EXHAUSTED: 'UNAVAILABLE',
  INTERNAL: 'UNAVAILABLE',
  ABORTED: 'UNAVAILABLE',
  CANCELLED: 'UNAVAILABLE',
  DEADLINE_EXCEEDED: 'UNAVAILABLE',
  UNKNOWN: 'UNAVAILABLE',

  PERMISSION_DENIED: 'DENIED',
  UNAUTHENTICATED: 'DENIED',
  FAILED_PRECONDITION: 'DENIED',
  UNIMPLEMENTED: 'DENIED',

  NOT_FOUND: 'NOT_FOUND',
};

interface Meaning {
  readonly code: KmsErrorCode;
  readonly said: string;
}

/** What came instead of an answer is to us, and what may be told of it. */
export function codeOf(error: unknown, operation: Operation): Meaning {
  if (error instanceof Garbled) return { code: 'UNAVAILABLE', said: error.message };
  if (error instanceof NoCredentials) return ofCredentials(error.httpStatus);
  if (!(error instanceof NotAnswered)) return { code: 'UNAVAILABLE', said: unreached(error) };
  const { httpStatus, error: answer } = error;
  if (answer === null)
    return {
      code: 'UNAVAILABLE',
      said:
        httpStatus >= 300 && httpStatus < 400
          ? `a redirect (HTTP status ${httpStatus}), which is not followed`
          : `an answer that is not Google's, with HTTP status ${httpStatus}`,
    };
  const { status, text } = answer;
  // A service account dates its tokens itself; nobody has withdrawn anything.
  const off = status === 'UNAUTHENTICATED' ? clockOff(error.date) : null;
  if (off !== null) return { code: 'UNAVAILABLE', said: `${status} (${off})` };
  if (status === 'INVALID_ARGUMENT') return ofArgument(text, operation);
  const state = /current state is: (DESTROYED|DESTROY_SCHEDULED|DISABLED|[A-Z_]{3,40})\b/.exec(text)?.[1];
  if (status === 'FAILED_PRECONDITION' && state !== undefined) return ofState(state);
  if (Object.hasOwn(codes, status)) return { code: codes[status] ?? 'UNAVAILABLE', said: status };
  return { code: 'UNAVAILABLE', said: `an unknown error with HTTP status ${httpStatus}` };
}

/** It never opens again once it is destroyed, and may until then. */
function ofState(state: string): Meaning {
  const known = ['DESTROYED', 'DESTROY_SCHEDULED', 'DISABLED'].includes(state) ? state : 'not enabled';
  return {
    code: state === 'DESTROYED' ? 'NOT_FOUND' : 'DENIED',
    said: `FAILED_PRECONDITION (the version of the key is ${known})`,
  };
}

function ofArgument(text: string, operation: Operation): Meaning {
  // A checksum that does not match what came with it is of the way, not of what was sent.
  if (/checksum|crc32c/i.test(text))
    return { code: 'UNAVAILABLE', said: 'INVALID_ARGUMENT (it was garbled on the way)' };
  // To wrap is refused of a key that is for something else, and what is wrapped is always of one form.
  return { code: operation === 'decrypt' ? 'CORRUPT' : 'DENIED', said: 'INVALID_ARGUMENT' };
}

function ofCredentials(httpStatus: number | null): Meaning {
  if (httpStatus !== null && [400, 401, 403].includes(httpStatus))
    return { code: 'DENIED', said: `the credentials are refused (HTTP status ${httpStatus})` };
  return { code: 'UNAVAILABLE', said: 'there are no credentials for the moment' };
}
