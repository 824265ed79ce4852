import type { Logger } from '@rekey/runtime';
import type { FastifyInstance } from 'fastify';
import { addRoutes } from '../add-routes.ts';
import type { Authentication } from '../auth/authenticate.ts';
import type { AuthSettings } from '../auth/settings.ts';
import { buildGuards, type Limiters } from '../guards.ts';
import type { Route, RouteContext } from '../route.ts';
import { authenticateByCookie, consoleRoutes } from './by-cookie.ts';
import { identityProvider } from './identity-provider.ts';
import { addLogin } from './login.ts';
import { ownPagesOnly } from './same-origin.ts';
import { createSessions } from './sessions.ts';
import { type ConsoleSettings, ownOrigins } from './settings.ts';
import { addShell } from './shell.ts';
import { addSignIn } from './sign-in.ts';

interface Surroundings {
  readonly auth: AuthSettings;
  readonly authentication: Authentication;
  readonly limits: { readonly reads: Limiters; readonly writes: Limiters };
  readonly routes: readonly Route[];
  readonly context: RouteContext;
  readonly logger: Logger;
}

/** Serves the console: its pages, the ways to sign in, and the API's operations behind its cookie. */
export async function addConsole(
  app: FastifyInstance,
  { publicUrl, login }: ConsoleSettings,
  { auth, authentication, limits, routes, context, logger }: Surroundings,
): Promise<void> {
  const sessions = createSessions(context.sessions, auth);
  const portNow = (): number | null => {
    const address = app.server.address();
    return typeof address === 'object' ? (address?.port ?? null) : null;
  };
  const requireOwnPage = ownPagesOnly(ownOrigins(publicUrl, portNow));
  const ofAddress = { reads: limits.reads.ofAddress, writes: limits.writes.ofAddress };
  app.decorateRequest('session', null);

  await addShell(app);
  const canLogIn = login !== null && publicUrl !== null && auth.kind === 'oidc';
  addSignIn(app, { authentication, sessions, requireOwnPage, limits: ofAddress, routes, canLogIn, logger });
  if (canLogIn) {
    const provider = identityProvider({ issuers: auth.issuers, publicUrl, ...login });
    addLogin(app, { authentication, provider, sessions, limits: ofAddress, logger });
  }
  addRoutes(
    app,
    consoleRoutes(routes),
    buildGuards(limits.reads, limits.writes, authenticateByCookie(sessions, requireOwnPage)),
    context,
  );
}

/** What there is besides the operations, for the answers 404 and 405. */
export const consolePaths = [
  { path: '/console', method: 'GET' },
  { path: '/console/session', method: 'GET' },
  { path: '/console/session', method: 'POST' },
  { path: '/console/session', method: 'DELETE' },
] as const;
