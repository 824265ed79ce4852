import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf } from './auth/caller.ts';
import { acceptsJson, isJson } from './media-types.ts';
import type { Limiter } from './rate-limits.ts';

type Guard = (request: FastifyRequest) => Promise<void>;

/** What stands in front of each API route; each list runs in its order, before a byte of the body is read. */
export interface Guards {
  readonly read: readonly Guard[];
  /** For routes that take a JSON body, or (`bodyOptional`) none. */
  readonly write: readonly Guard[];
}

interface Limiters {
  readonly ofAddress: Limiter;
  readonly ofCaller: Limiter;
}

/**
 * The contract's order of checks: 429, 401, role 403, 406, 415. (413 and 400 follow when the body is read.) Who calls
 * is known only behind 401: the caller's own 429 stands there.
 */
export function buildGuards(reads: Limiters, writes: Limiters, authenticate: Guard): Guards {
  const first = (limits: Limiters): Guard[] => [limits.ofAddress, authenticate, limits.ofCaller, requireRole];
  return {
    read: [...first(reads), requireJsonAccepted],
    write: [...first(writes), requireJsonAccepted, requireJsonSent],
  };
}

async function requireRole(request: FastifyRequest): Promise<void> {
  const { superAdmin, securityAdmin } = callerOf(request);
  if (!superAdmin && !securityAdmin) throw new ApiError('INSUFFICIENT_PERMISSIONS');
}

async function requireJsonAccepted(request: FastifyRequest): Promise<void> {
  if (!acceptsJson(request.headers.accept)) throw new ApiError('NOT_ACCEPTABLE');
}

async function requireJsonSent({ headers, raw, routeOptions }: FastifyRequest): Promise<void> {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody && routeOptions.config.bodyOptional === true) return;
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  const sentOnce = raw.headersDistinct['content-type']?.length === 1;
  if (!sentOnce || !isJson(headers['content-type']) || !plainEncodings.has(encoding))
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
}

/** Nothing is unpacked: what a few bytes may become has no bound. */
const plainEncodings: ReadonlySet<string> = new Set(['', 'identity']);
