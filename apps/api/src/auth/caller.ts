import type { Actor } from '@rekey/commands';
import type { FastifyRequest } from 'fastify';
import type { Route } from '../route.ts';
import { permits, type Role } from './roles.ts';

/** What a token names in place of a tenant whose holder acts on all of them. */
export const installation = '*';

/** Who calls, as far as a verified token tells. */
export interface Caller {
  readonly realm: string;
  /** `sub`, unique within the realm. */
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  /** Those that we know, in the order of the table of roles. */
  readonly roles: readonly Role[];
  /** In lower case; `*`: the installation, and so each of its tenants; null when the token names none. */
  readonly tenantId: string | null;
  /** When the token ends (`exp`), in milliseconds; null when it does not say. */
  readonly expiresAtMs: number | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** The caller that the guard of every API route has set. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error('a route without the guard asked for its caller');
  return request.caller;
}

/** Whether the caller may do that at all, on whichever tenant. */
export function mayCall({ roles }: Caller, operation: Pick<Route, 'operationId' | 'method'>): boolean {
  return permits(roles, operation);
}

/** Whether the caller may do that on that tenant, given in lower case. */
export function mayActOn(
  { roles, tenantId: own }: Caller,
  operation: Pick<Route, 'operationId' | 'method'>,
  tenantId: string,
): boolean {
  return permits(roles, operation, own === tenantId || own === installation ? 'own' : 'other');
}

/** Whether the caller may do that whosever tenant it concerns. */
export function mayActOnAny(
  { roles, tenantId: own }: Caller,
  operation: Pick<Route, 'operationId' | 'method'>,
): boolean {
  return permits(roles, operation, own === installation ? 'own' : 'other');
}

export function isSuperAdmin({ roles }: Caller): boolean {
  return roles.includes('super_admin');
}

/** The caller across realms: realm names hold no `|`, so no two callers share one. */
export function identityOf(caller: Caller): string {
  return `${caller.realm}|${caller.id}`;
}

/** The caller as commands, and so rotations and their events, know it. */
export function actorOf({ realm, id, name, email }: Caller): Actor {
  return { kind: 'user', realm, id, name, email };
}
