import type { Logger } from '@rekey/runtime';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { ApiError } from '../api-error.ts';
import { type Authentication, callerBehind } from '../auth/authenticate.ts';
import { mayActOnAny, mayCall } from '../auth/caller.ts';
import { requirePlainJson } from '../guards.ts';
import { inOrder } from '../in-order.ts';
import type { Limiter } from '../rate-limits.ts';
import type { Route } from '../route.ts';
import { cookie, sessionCookie, withoutCookie } from './cookies.ts';
import { needsFreshLogin } from './fresh-login.ts';
import type { RequireOwnPage } from './same-origin.ts';
import type { Session, Sessions } from './sessions.ts';

interface SignIn {
  readonly authentication: Authentication;
  readonly sessions: Sessions;
  readonly requireOwnPage: RequireOwnPage;
  readonly limits: { readonly reads: Limiter; readonly writes: Limiter };
  readonly routes: readonly Route[];
  /** Whether people can sign in at an identity provider. */
  readonly canLogIn: boolean;
  readonly logger: Logger;
}

const sessionPath = '/console/session';

/** Signing in is no operation of the API, and counted as if it were: who was refused at the door is recorded, too. */
export const signInConfig = { operationId: 'signIn' } as const;

const Pasted = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 16_000 }),
    realm: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);

/** Who is signed in, signing in by a pasted token, and signing out. */
export function addSignIn(app: FastifyInstance, signIn: SignIn): void {
  const { authentication, sessions, requireOwnPage, limits, logger } = signIn;
  const [read, write] = [inOrder([limits.reads, requireOwnPage]), inOrder([limits.writes, requireOwnPage])];

  app.get(sessionPath, { onRequest: read }, async (request) => {
    const session = await sessions.find(request);
    return answer({
      ways: signIn.canLogIn ? ['login', 'token'] : ['token'],
      realms: [...authentication.realms.keys()],
      defaultRealm: authentication.defaultRealm,
      session: session === null ? null : tell(session, signIn.routes),
    });
  });

  const signsIn = { config: signInConfig, onRequest: write };
  app.post(sessionPath, signsIn, async (request, reply) => {
    requirePlainJson(request);
    const { body } = request;
    if (!Check(Pasted, body))
      throw new ApiError('INVALID_REQUEST', {
        issues: [{ path: 'body', message: 'is not a token and a realm' }],
      });
    const findCaller = authentication.realms.get(body.realm ?? authentication.defaultRealm);
    const token = body.token.trim().replace(/^Bearer /i, '');
    const caller = await callerBehind(token, findCaller, { requestId: request.id, logger });
    request.caller = caller;
    if (caller.roles.length === 0) throw new ApiError('INSUFFICIENT_PERMISSIONS');
    // Pasting it is the log-in: whoever does so has the token at hand.
    const { value } = await sessions.begin(request, caller, new Date());
    reply.header('set-cookie', cookie(sessionCookie, value, { sameSite: 'Strict' }));
    return answer(null);
  });

  app.delete(sessionPath, { onRequest: write }, async (request, reply) => {
    await sessions.end(request);
    reply.header('set-cookie', withoutCookie(sessionCookie));
    return answer(null);
  });
}

/** What a page needs to know of who looks at it; whatever is left out here, the API refuses. */
function tell({ caller, loggedInAt, expiresAt }: Session, routes: readonly Route[]): object {
  const { realm, id, name, email, roles, tenantId } = caller;
  const mine = routes.filter((route) => route.permission === 'by_role' && mayCall(caller, route));
  return {
    caller: { realm, id, name, email, roles, tenantId },
    loggedInAt: loggedInAt?.toISOString() ?? null,
    expiresAt: expiresAt.toISOString(),
    may: mine.map(({ operationId }) => operationId),
    // What concerns the installation is for who may do it whosever tenant it concerns.
    mayForAll: mine.filter((route) => mayActOnAny(caller, route)).map(({ operationId }) => operationId),
    needsFreshLogin: mine.filter(needsFreshLogin).map(({ operationId }) => operationId),
  };
}

function answer(data: object | null): object {
  return { success: true, data, timestamp: new Date().toISOString() };
}
