import type { ErrorCode } from '@rekey/contract';
import type { Logger } from '@rekey/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Authentication, callerBehind } from '../auth/authenticate.ts';
import { inOrder } from '../in-order.ts';
import type { Limiter } from '../rate-limits.ts';
import { whoAndWhat } from '../request-log.ts';
import { translateError } from '../translate-error.ts';
import { cookie, cookieOf, loginCookie, sessionCookie, withoutCookie } from './cookies.ts';
import type { IdentityProvider, PendingLogin } from './identity-provider.ts';
import { ownPath } from './own-path.ts';
import type { Sessions } from './sessions.ts';
import { signInConfig } from './sign-in.ts';

interface Login {
  readonly authentication: Authentication;
  readonly provider: IdentityProvider;
  readonly sessions: Sessions;
  readonly limits: { readonly reads: Limiter };
  readonly logger: Logger;
}

/** What the browser keeps for us until it comes back. */
interface KeptLogin extends PendingLogin {
  readonly realm: string;
  readonly returnTo: string;
  readonly untilMs: number;
}

export const callbackPath = '/console/login/callback';
const waitSeconds = 300;

/** Why somebody is back at the sign-in page; the page has the sentences. */
type Problem = keyof typeof codes;
const codes = {
  away: 'SERVICE_UNAVAILABLE',
  expired: 'AUTHENTICATION_FAILED',
  refused: 'AUTHENTICATION_FAILED',
  not_admitted: 'INSUFFICIENT_PERMISSIONS',
} as const satisfies Record<string, ErrorCode>;

/** Sign-in at the identity provider: authorization code with PKCE, which this process exchanges; no token reaches a page. */
export function addLogin(
  app: FastifyInstance,
  { authentication, provider, sessions, limits, logger }: Login,
): void {
  const signsIn = { config: signInConfig, onRequest: inOrder([limits.reads]) };
  const back = (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply => {
    // The browser gets a page; log and events have it as what it is.
    request.noted = { ...request.noted, code: codes[problem] };
    return reply
      .header('set-cookie', withoutCookie(loginCookie))
      .redirect(`/console/sign-in?problem=${problem}`, 303);
  };

  app.get('/console/login', signsIn, async (request, reply) => {
    const asked = request.query as Readonly<Record<string, unknown>>;
    const returnTo = ownPath(asked.returnTo);
    const realm = typeof asked.realm === 'string' ? asked.realm : authentication.defaultRealm;
    // A page elsewhere may send somebody to our door, and no further.
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return reply.redirect('/console/sign-in', 303);
    if (!authentication.realms.has(realm)) return back(request, reply, 'not_admitted');
    try {
      const { url, pending } = await provider.begin(realm, { fresh: asked.fresh === '1' });
      const kept: KeptLogin = { ...pending, realm, returnTo, untilMs: Date.now() + waitSeconds * 1_000 };
      // Here already: the browser does not send a strict cookie along when the provider sends it back.
      await sessions.end(request);
      const value = Buffer.from(JSON.stringify(kept)).toString('base64url');
      reply.header('set-cookie', [
        withoutCookie(sessionCookie),
        cookie(loginCookie, value, { sameSite: 'Lax', maxAgeSeconds: waitSeconds }),
      ]);
      return await reply.redirect(url, 303);
    } catch (error) {
      logger.warn('a log-in cannot be begun', { requestId: request.id, error });
      return back(request, reply, 'away');
    }
  });

  app.get(callbackPath, signsIn, async (request, reply) => {
    const kept = keptIn(request);
    if (kept === null) return back(request, reply, 'expired');
    try {
      const search = new URL(request.url, 'http://localhost').search;
      const { accessToken, subject, authenticatedAt } = await provider.finish(kept.realm, kept, search);
      const findCaller = authentication.realms.get(kept.realm);
      const caller = await callerBehind(accessToken, findCaller, { requestId: request.id, logger });
      request.caller = caller;
      if (caller.id !== subject) throw new Error('the tokens are about two people');
      if (caller.roles.length === 0) return back(request, reply, 'not_admitted');
      const { value } = await sessions.begin(request, caller, authenticatedAt);
      reply.header('set-cookie', [
        withoutCookie(loginCookie),
        cookie(sessionCookie, value, { sameSite: 'Strict' }),
      ]);
      return await reply.redirect(kept.returnTo, 303);
    } catch (error) {
      const isAway = translateError(error).code === 'SERVICE_UNAVAILABLE';
      logger.info(isAway ? 'a log-in cannot be ended' : 'a log-in was refused', {
        ...whoAndWhat(request),
        error,
      });
      return back(request, reply, isAway ? 'away' : 'refused');
    }
  });
}

/** Bound to this browser by the cookie's name, and good for nothing without the code that comes with it. */
function keptIn(request: FastifyRequest): KeptLogin | null {
  try {
    const text = Buffer.from(cookieOf(request, loginCookie) ?? '', 'base64url').toString('utf8');
    const { state, nonce, verifier, fresh, realm, returnTo, untilMs }: Partial<KeptLogin> = JSON.parse(text);
    if (![state, nonce, verifier, realm].every((part) => typeof part === 'string' && part !== ''))
      return null;
    if (typeof untilMs !== 'number' || !(Date.now() < untilMs)) return null;
    return {
      state: String(state),
      nonce: String(nonce),
      verifier: String(verifier),
      fresh: fresh === true,
      realm: String(realm),
      returnTo: ownPath(returnTo),
      untilMs,
    };
  } catch {
    return null;
  }
}
