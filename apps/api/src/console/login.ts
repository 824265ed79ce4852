import type { Logger } from '@rekey/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authentication } from '../auth/authenticate.ts';
import type { Limiter } from '../rate-limits.ts';
import { cookie, cookieOf, loginCookie, sessionCookie, withoutCookie } from './cookies.ts';
import type { IdentityProvider, PendingLogin } from './identity-provider.ts';
import { ownPath } from './own-path.ts';
import type { Sessions } from './sessions.ts';
import { callerBehind } from './sign-in.ts';

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
type Problem = 'away' | 'expired' | 'refused' | 'not_admitted';

/** Sign-in at the identity provider: authorization code with PKCE, which this process exchanges; no token reaches a page. */
export function addLogin(
  app: FastifyInstance,
  { authentication, provider, sessions, limits, logger }: Login,
): void {
  const back = (reply: FastifyReply, problem: Problem): FastifyReply =>
    reply
      .header('set-cookie', withoutCookie(loginCookie))
      .redirect(`/console/sign-in?problem=${problem}`, 303);

  app.get('/console/login', { onRequest: [limits.reads] }, async (request, reply) => {
    const asked = request.query as Readonly<Record<string, unknown>>;
    const returnTo = ownPath(asked.returnTo);
    const realm = typeof asked.realm === 'string' ? asked.realm : authentication.defaultRealm;
    // A page elsewhere may send somebody to our door, and no further.
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return reply.redirect('/console/sign-in', 303);
    if (!authentication.realms.has(realm)) return back(reply, 'not_admitted');
    try {
      const { url, pending } = await provider.begin(realm, { fresh: asked.fresh === '1' });
      const kept: KeptLogin = { ...pending, realm, returnTo, untilMs: Date.now() + waitSeconds * 1_000 };
      reply.header(
        'set-cookie',
        cookie(loginCookie, Buffer.from(JSON.stringify(kept)).toString('base64url'), {
          sameSite: 'Lax',
          maxAgeSeconds: waitSeconds,
        }),
      );
      return await reply.redirect(url, 303);
    } catch (error) {
      logger.warn('the identity provider cannot be asked for a log-in', { requestId: request.id, error });
      return back(reply, 'away');
    }
  });

  app.get(callbackPath, { onRequest: [limits.reads] }, async (request, reply) => {
    const kept = keptIn(request);
    if (kept === null) return back(reply, 'expired');
    try {
      const search = new URL(request.url, 'http://localhost').search;
      const { accessToken, subject, authenticatedAt } = await provider.finish(kept.realm, kept, search);
      const caller = await callerBehind(authentication.realms.get(kept.realm), accessToken);
      if (caller.id !== subject) throw new Error('the tokens are about two people');
      if (caller.roles.length === 0) return back(reply, 'not_admitted');
      const { value } = await sessions.begin(request, caller, authenticatedAt);
      reply.header('set-cookie', [
        withoutCookie(loginCookie),
        cookie(sessionCookie, value, { sameSite: 'Strict' }),
      ]);
      return await reply.redirect(kept.returnTo, 303);
    } catch (error) {
      logger.info('a log-in was refused', { requestId: request.id, error });
      return back(reply, 'refused');
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
