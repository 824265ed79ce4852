import { type Issue, parseUuid } from '@rekey/contract';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn, mayActOnAny } from './auth/caller.ts';
import type { Route } from './route.ts';

/** Whose DEKs a rewrap is to be of, in lower case; null: all tenants'. Throws where the caller may not do that. */
export function rewrapScope(
  request: FastifyRequest,
  route: Route,
  { tenantId: named }: { readonly tenantId?: string },
): string | null {
  const caller = callerOf(request);
  const tenantId = named?.toLowerCase() ?? null;
  const may = tenantId === null ? mayActOnAny(caller, route) : mayActOn(caller, route, tenantId);
  if (tenantId !== null) request.noted.tenantId = tenantId;
  if (!may) throw new ApiError('INSUFFICIENT_PERMISSIONS');
  return tenantId;
}

/** One tenant or all is said once. */
export function scopeIssues({ headers, body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null) return [];
  const { tenantId, all }: { tenantId?: unknown; all?: unknown } = body;
  if ((tenantId === undefined) === (all === undefined))
    return [{ path: 'body.tenantId', message: 'or all has to be given, and not both' }];
  const inHeader = typeof headers['x-tenantid'] === 'string' ? parseUuid(headers['x-tenantid']) : null;
  const inBody = typeof tenantId === 'string' ? parseUuid(tenantId) : null;
  if (inHeader === null || (inBody === null && all === undefined) || inHeader === inBody) return [];
  return [{ path: 'headers.x-tenantid', message: 'is not the tenantId of the body' }];
}
