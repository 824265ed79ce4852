import type { FastifyRequest, onRequestHookHandler } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf, mayCall } from './auth/caller.ts';
import { type Guard, inOrder } from './in-order.ts';
import { chooseType, isJson } from './media-types.ts';
import type { Limiter } from './rate-limits.ts';
import type { Route } from './route.ts';
import { valuesOf } from './sent-headers.ts';

/** What stands in front of a route, in its order, before a byte of the body is read. */
export type GuardsOf = (route: Route) => onRequestHookHandler[];

/** By address and by caller, of one kind of calls. */
export interface Limiters {
  readonly ofAddress: Limiter;
  readonly ofCaller: Limiter;
}

/**
 * The contract's order of checks: 429, 401, role 403, 406, 415. (413 and 400 follow when the body is read.) Who calls
 * is known only behind 401: the caller's own 429 stands there.
 */
export function buildGuards(reads: Limiters, writes: Limiters, authenticate: Guard): GuardsOf {
  return (route) => {
    if (route.permission === 'public') return [];
    const { ofAddress, ofCaller } = route.method === 'GET' ? reads : writes;
    const guards = [ofAddress, authenticate, ofCaller, requireRole(route), requireAccepted(route)];
    return [inOrder(route.request.body === undefined ? guards : [...guards, requireJsonSent(route)])];
  };
}

function requireRole(route: Route): Guard {
  return (request) => {
    if (!mayCall(callerOf(request), route)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
  };
}

function requireAccepted({ mediaTypes = ['application/json'] }: Route): Guard {
  return ({ headers }) => {
    if (chooseType(headers.accept, mediaTypes) === null) throw new ApiError('NOT_ACCEPTABLE');
  };
}

function requireJsonSent(route: Route): Guard {
  return (request) => {
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody || route.request.bodyOptional !== true) requirePlainJson(request);
  };
}

/** Throws UNSUPPORTED_MEDIA_TYPE. */
export function requirePlainJson({ headers, raw }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  const sentOnce = valuesOf(raw, 'content-type').length === 1;
  if (!sentOnce || !isJson(headers['content-type']) || !plainEncodings.has(encoding))
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
}

/** Nothing is unpacked: what a few bytes may become has no bound. */
const plainEncodings: ReadonlySet<string> = new Set(['', 'identity']);
