import type { certificateRoutes } from './certificate.ts';
import type { OperationId } from './operation.ts';
import { type ErrorCode, errorTexts } from './operations/errors.ts';

/** One thing that is wrong with a request, or in the way of it. */
export interface Issue {
  /** Such as body.tenantId or headers.x-tenantid. */
  readonly path: string;
  readonly message: string;
}

/** The generated operations, and those whose answers are files. */
export type AnyOperationId = OperationId | keyof typeof certificateRoutes | 'exportAudit' | 'followRotation';

/** `NO_ANSWER`: none came, in time or at all. `UNEXPECTED_ANSWER`: one that the contract does not have. */
export type ClientErrorCode = ErrorCode | 'NO_ANSWER' | 'UNEXPECTED_ANSWER' | 'WAITED_TOO_LONG';

export interface ClientErrorDetails {
  readonly operation: AnyOperationId;
  /** Null when no answer came. */
  readonly status?: number | null;
  /** With INVALID_REQUEST: everything that is wrong. */
  readonly issues?: readonly Issue[];
  /** With ROTATION_IN_PROGRESS: the one that runs. */
  readonly rotationId?: string | undefined;
  /** As the API's log knows the request. */
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** The only error that a client throws. Holds nothing of the token. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly operation: AnyOperationId;
  readonly status: number | null;
  readonly issues: readonly Issue[];
  readonly rotationId: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'ClientError';
    this.code = code;
    this.operation = details.operation;
    this.status = details.status ?? null;
    this.issues = details.issues ?? [];
    this.rotationId = details.rotationId;
    this.requestId = details.requestId;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What an answer that is no success says, as an error. */
export function errorOf(operation: AnyOperationId, { status, headers, body }: Answered): ClientError {
  const told = recordIn(recordIn(body)?.error);
  const code = textIn(told?.code);
  const retryAfterSeconds = secondsIn(headers.get('retry-after'));
  const requestId = headers.get('x-request-id') ?? undefined;
  const details = { operation, status, retryAfterSeconds, requestId };
  if (code === undefined || !isErrorCode(code)) {
    const what =
      code === undefined ? strangeness(status, headers) : `an error that is not known here: ${code}`;
    return new ClientError('UNEXPECTED_ANSWER', `${operation} answered ${status}, ${what}`, details);
  }
  const { message, detail } = errorTexts[code];
  const issues = Array.isArray(told?.issues) ? told.issues.filter(isIssue) : [];
  const list = issues.map(({ path, message: wrong }) => ` ${path} ${wrong}.`).join('');
  return new ClientError(
    code,
    `${operation} answered ${status}: ${message}. ${textIn(told?.detail) ?? detail}${list}`,
    { ...details, issues, rotationId: textIn(told?.rotationId) },
  );
}

/** What came instead of an answer of the API: a page of a proxy, of a login, of another server. */
function strangeness(status: number, headers: Headers): string {
  if (isRedirect(status)) {
    const location = headers.get('location') ?? '';
    const where = URL.canParse(location) ? ` to ${new URL(location).origin}` : '';
    return `a redirect${where}, which is not followed`;
  }
  const type = /^[\w.+/-]{1,80}/.exec(headers.get('content-type') ?? '')?.[0];
  const isOther = type !== undefined && type !== 'application/json';
  return isOther ? `not as the contract says: ${type}` : 'not as the contract says';
}

/** 0: a browser does not tell which. */
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 301 && status <= 308 && status !== 304);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTexts, code);
}

function isIssue(value: unknown): value is Issue {
  const issue = recordIn(value);
  return typeof issue?.path === 'string' && typeof issue.message === 'string';
}

export function recordIn(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `Retry-After` counts seconds or names a date. */
function secondsIn(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  const until = Date.parse(text);
  return Number.isNaN(until) ? undefined : Math.max(0, Math.ceil((until - Date.now()) / 1_000));
}
