import { type Issue, Moment, type RotationHeaders } from '@rekey/contract';
import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn, mayActOnAny } from './auth/caller.ts';
import type { Route } from './route.ts';

interface Asked {
  readonly request: FastifyRequest;
  readonly route: Route;
  readonly headers: Static<typeof RotationHeaders>;
  readonly query: { readonly tenantId?: string };
}

/**
 * Whose a list is to be, in lower case: who is bound to a tenant gets that tenant's, and others all of them (undefined) unless
 * they name one. Throws where the caller may not see it.
 */
export function tenantAsked({ request, route, headers, query }: Asked): string | undefined {
  const caller = callerOf(request);
  const asked = (query.tenantId ?? headers['x-tenantid'])?.toLowerCase();
  const tenantId = asked ?? (mayActOnAny(caller, route) ? undefined : caller.tenantId);
  if (tenantId === null || (tenantId !== undefined && !mayActOn(caller, route, tenantId)))
    throw new ApiError('INSUFFICIENT_PERMISSIONS');
  return tenantId;
}

/** One tenant is named once. */
export function tenantIssues(request: FastifyRequest): Issue[] {
  const { tenantId } = given(request);
  const named = request.headers['x-tenantid'];
  const differ = isText(tenantId) && isText(named) && tenantId.toLowerCase() !== named.toLowerCase();
  return differ ? [{ path: 'headers.x-tenantid', message: 'is not the tenantId of the query' }] : [];
}

/** Cursors are ours. What the schema refuses it has refused. */
export function cursorIssues(
  request: FastifyRequest,
  schema: TSchema,
  isOurs: (text: string) => boolean,
): Issue[] {
  const { cursor } = given(request);
  const isOdd = isText(cursor) && Check(schema, cursor) && !isOurs(cursor);
  return isOdd ? [{ path: 'query.cursor', message: 'is not a nextCursor of ours' }] : [];
}

/** Times are in the calendar: what is not (30 February, 24 o'clock) would be read as a moment of another day. */
export function timeIssues(request: FastifyRequest, names: readonly string[]): Issue[] {
  const query = given(request);
  return names
    .filter((name) => {
      const at = query[name];
      return isText(at) && Check(Moment, at) && !isInCalendar(at);
    })
    .map((name) => ({ path: `query.${name}`, message: 'is not a time' }));
}

function isInCalendar(at: string): boolean {
  const ms = Date.parse(at);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(at.slice(0, 'yyyy-mm-ddThh'.length));
}

function given({ query }: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof query === 'object' && query !== null ? { ...query } : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
