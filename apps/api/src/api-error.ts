import { type ErrorBody, type ErrorCode, errorTable, type Issue, issuesMax } from '@rekey/contract';

export interface ErrorDetails {
  /** With ROTATION_IN_PROGRESS: the one that runs, as `rot-<uuid>`. */
  readonly rotationId?: string;
  readonly rewrapId?: string;
  /** With PLAN_IN_PROGRESS. */
  readonly planId?: string;
  readonly issues?: readonly Issue[];
  readonly retryAfterSeconds?: number;
  /** With METHOD_NOT_ALLOWED. */
  readonly allow?: string;
  readonly cause?: unknown;
}

/** An answer that is an error, in the words of the contract. Thrown anywhere below a route. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(errorTable[code].message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'ApiError';
    this.code = code;
    this.details = details;
  }
}

/** How long a client should wait while something is away: about as long as a fail-over takes to be noticed. */
const retryAfterSeconds = 2;

export function errorBody({ code, details }: ApiError, requestId: string): ErrorBody {
  const { message, detail } = errorTable[code];
  return {
    success: false,
    message,
    error: {
      code,
      detail,
      ...(details.rotationId === undefined ? {} : { rotationId: details.rotationId }),
      ...(details.rewrapId === undefined ? {} : { rewrapId: details.rewrapId }),
      ...(details.planId === undefined ? {} : { planId: details.planId }),
      ...(details.issues === undefined ? {} : { issues: details.issues.slice(0, issuesMax) }),
    },
    timestamp: new Date().toISOString(),
    requestId,
  };
}

/** The headers that go with an error, besides those of every answer. */
export function errorHeaders({ code, details }: ApiError): Record<string, string> {
  switch (code) {
    case 'AUTHENTICATION_FAILED':
      return { 'www-authenticate': 'Bearer' };
    case 'METHOD_NOT_ALLOWED':
      return { allow: details.allow ?? '' };
    case 'RATE_LIMITED':
    case 'CERTIFICATE_NOT_READY':
    case 'ROTATION_TOO_SOON':
    case 'SERVICE_UNAVAILABLE':
      return { 'retry-after': String(details.retryAfterSeconds ?? retryAfterSeconds) };
    default:
      return {};
  }
}
