import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Route } from '../route.ts';
import { requireFreshLogin } from './fresh-login.ts';
import type { RequireOwnPage } from './same-origin.ts';
import type { Session, Sessions } from './sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a call under `/console/api`. */
    session: Session | null;
  }
}

/** A stream asks again for its cookie so often: a session that has ended ends it. */
const streamMaxMs = 60_000;

/** A guard that sets `request.caller` from the cookie, for the console's own pages only; a bearer token does not count here. */
export function authenticateByCookie(sessions: Sessions, requireOwnPage: RequireOwnPage) {
  return async (request: FastifyRequest): Promise<void> => {
    requireOwnPage(request);
    request.session = await sessions.find(request);
    if (request.session === null) throw new ApiError('AUTHENTICATION_FAILED');
    const { caller, expiresAt } = request.session;
    request.caller =
      request.routeOptions.config.operationId === 'followRotation'
        ? { ...caller, expiresAtMs: Math.min(expiresAt.getTime(), Date.now() + streamMaxMs) }
        : caller;
  };
}

/** The operations of the API as the console calls them: the same, behind the cookie. */
export function consoleRoutes(routes: readonly Route[]): Route[] {
  return routes
    .filter(({ permission }) => permission === 'by_role')
    .map((route) => ({
      ...route,
      path: `/console${route.path}` as const,
      handler: (context) => {
        const handle = route.handler(context);
        return async (call) => {
          requireFreshLogin(route, call.body, call.request.session);
          return handle({ ...call, route });
        };
      },
    }));
}
