import type { Actor } from '@rekey/commands';
import type { FastifyRequest } from 'fastify';

/** Who calls, as far as a verified token tells. */
export interface Caller {
  readonly realm: string;
  /** `sub`, unique within the realm. */
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  /** May act on any tenant. */
  readonly superAdmin: boolean;
  /** May act on {@link tenantId}. */
  readonly securityAdmin: boolean;
  /** In lower case; null when the token names none. */
  readonly tenantId: string | null;
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

/** Whether the caller may act on that tenant, given in lower case. */
export function mayActOn(caller: Caller, tenantId: string): boolean {
  return caller.superAdmin || (caller.securityAdmin && caller.tenantId === tenantId);
}

/** The caller across realms: realm names hold no `|`, so no two callers share one. */
export function identityOf(caller: Caller): string {
  return `${caller.realm}|${caller.id}`;
}

/** The caller as commands, and so rotations and their events, know it. */
export function actorOf({ realm, id, name, email }: Caller): Actor {
  return { kind: 'user', realm, id, name, email };
}
