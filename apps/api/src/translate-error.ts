import type { ErrorCode } from '@rekey/contract';
import { StoreError, type StoreErrorCode } from '@rekey/db';
import { ApiError } from './api-error.ts';

/** What a caller is told of trouble with Postgres. The compiler keeps it complete. */
const ofStore = {
  UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  ACCESS_DENIED: 'SERVICE_UNAVAILABLE',
  UNFIT: 'SERVICE_UNAVAILABLE',
  LOCKED: 'SERVICE_UNAVAILABLE',
  CONFLICT: 'SERVICE_UNAVAILABLE',
  SCHEMA_MISSING: 'SERVICE_UNAVAILABLE',
  SCHEMA_OUTDATED: 'SERVICE_UNAVAILABLE',
  FENCED: 'INTERNAL_ERROR',
  REFUSED: 'INTERNAL_ERROR',
  INTERNAL: 'INTERNAL_ERROR',
} as const satisfies Record<StoreErrorCode, ErrorCode>;

/** What Fastify itself can refuse before a route runs. */
const ofFastify: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INVALID_REQUEST',
  FST_ERR_BAD_URL: 'INVALID_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'NOT_FOUND',
};

/** Any error as one that a client may see. What is not known becomes INTERNAL_ERROR, with nothing of it inside. */
export function translateError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) return new ApiError(ofStore[error.code], { cause: error });
  const code = error instanceof Error && 'code' in error ? ofFastify[String(error.code)] : undefined;
  if (code === 'INVALID_REQUEST') {
    return new ApiError(code, { issues: [{ path: 'request', message: 'is malformed' }] });
  }
  return new ApiError(code ?? 'INTERNAL_ERROR', { cause: error });
}
