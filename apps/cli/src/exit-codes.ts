import type { Client, ClientError, Rotation } from '@rekey/client';

/** What a script can tell apart. `docs/command-line.md` has the table. */
export const exitCodes = {
  completed: 0,
  failed: 1,
  usage: 2,
  conflict: 3,
  notFound: 4,
  unreachable: 5,
  completedWithFailures: 6,
  cancelled: 7,
  notPermitted: 8,
  timeOut: 124,
  interrupted: 130,
  brokenPipe: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const ofErrors: Record<ClientError['code'], ExitCode> = {
  INVALID_REQUEST: exitCodes.usage,
  AUTHENTICATION_FAILED: exitCodes.notPermitted,
  INSUFFICIENT_PERMISSIONS: exitCodes.notPermitted,
  CROSS_SITE_REQUEST: exitCodes.notPermitted,
  LOGIN_TOO_OLD: exitCodes.notPermitted,
  NOT_FOUND: exitCodes.notFound,
  TENANT_NOT_FOUND: exitCodes.notFound,
  ROTATION_NOT_FOUND: exitCodes.notFound,
  PLAN_NOT_FOUND: exitCodes.notFound,
  KEY_NOT_FOUND: exitCodes.notFound,
  KEK_NOT_FOUND: exitCodes.notFound,
  REWRAP_NOT_FOUND: exitCodes.notFound,
  CAMPAIGN_NOT_FOUND: exitCodes.notFound,
  CERTIFICATE_NOT_READY: exitCodes.notFound,
  METHOD_NOT_ALLOWED: exitCodes.failed,
  NOT_ACCEPTABLE: exitCodes.failed,
  REQUEST_TIMEOUT: exitCodes.unreachable,
  ROTATION_IN_PROGRESS: exitCodes.conflict,
  ROTATION_FINISHED: exitCodes.conflict,
  PLAN_IN_PROGRESS: exitCodes.conflict,
  PLAN_UNFINISHED: exitCodes.conflict,
  TENANT_EXISTS: exitCodes.conflict,
  PLAN_USED: exitCodes.conflict,
  DESTRUCTION_REFUSED: exitCodes.conflict,
  ROTATION_SUPERSEDED: exitCodes.conflict,
  ROTATION_NOT_HELD_BACK: exitCodes.conflict,
  COMPROMISE_REFUSED: exitCodes.conflict,
  KEK_REFUSED: exitCodes.conflict,
  REWRAP_IN_PROGRESS: exitCodes.conflict,
  REWRAP_REFUSED: exitCodes.conflict,
  REWRAP_FINISHED: exitCodes.conflict,
  PRECONDITION_FAILED: exitCodes.conflict,
  PRECONDITION_REQUIRED: exitCodes.usage,
  CAMPAIGN_FINISHED: exitCodes.conflict,
  PAYLOAD_TOO_LARGE: exitCodes.usage,
  UNSUPPORTED_MEDIA_TYPE: exitCodes.failed,
  IDEMPOTENCY_KEY_REUSED: exitCodes.conflict,
  RATE_LIMITED: exitCodes.unreachable,
  ROTATION_TOO_SOON: exitCodes.conflict,
  HEADERS_TOO_LARGE: exitCodes.usage,
  INTERNAL_ERROR: exitCodes.failed,
  SERVICE_UNAVAILABLE: exitCodes.unreachable,
  NO_ANSWER: exitCodes.unreachable,
  UNEXPECTED_ANSWER: exitCodes.unreachable,
  WAITED_TOO_LONG: exitCodes.timeOut,
};

const ofStatus: Record<Rotation['status'], ExitCode> = {
  // These two have not ended: whoever asks has been told, and that is all.
  in_progress: exitCodes.completed,
  paused: exitCodes.completed,
  completed: exitCodes.completed,
  completed_with_failures: exitCodes.completedWithFailures,
  failed: exitCodes.failed,
  cancelled: exitCodes.cancelled,
};

/** A newer API may have codes and states that are not known here: they count as failed. */
export const exitCodeOfError = ({ code }: ClientError): ExitCode => ofErrors[code] ?? exitCodes.failed;
export const exitCodeOfRotation = ({ status }: Rotation): ExitCode => ofStatus[status] ?? exitCodes.failed;
export const exitCodeOfRewrap = (
  status: Awaited<ReturnType<Client['getRewrap']>>['data']['status'],
): ExitCode => ofStatus[status] ?? exitCodes.failed;
