import * as oidc from 'openid-client';
import { callbackPath } from './login.ts';

/** What has to be known again when the browser comes back. */
export interface PendingLogin {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The person was to prove again who they are. */
  readonly fresh: boolean;
}

export interface IdentityProvider {
  begin(
    realm: string,
    asked: { readonly fresh: boolean },
  ): Promise<{ readonly url: string; readonly pending: PendingLogin }>;
  /** Exchanges the code; throws for whatever does not fit what was begun. `search`: of the URL that the browser came with. */
  finish(
    realm: string,
    pending: PendingLogin,
    search: string,
  ): Promise<{
    readonly accessToken: string;
    readonly subject: string;
    readonly authenticatedAt: Date | null;
  }>;
}

const timeoutSeconds = 5;
const freshSeconds = 300;
/** Discovery is repeated so often, so that an issuer may move its endpoints. */
const discoveredForMs = 10 * 60_000;

export function identityProvider(settings: {
  /** Issuer by realm. */
  readonly issuers: ReadonlyMap<string, string>;
  readonly publicUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
}): IdentityProvider {
  const { issuers, publicUrl, clientId, clientSecret } = settings;
  const redirectUri = `${publicUrl}${callbackPath}`;
  const known = new Map<string, { readonly found: Promise<oidc.Configuration>; readonly atMs: number }>();

  const discover = async (realm: string): Promise<oidc.Configuration> => {
    const issuer = new URL(issuers.get(realm) ?? '');
    const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
    return oidc.discovery(issuer, clientId, undefined, authentication, {
      timeout: timeoutSeconds,
      // An issuer over plain HTTP is one on this machine: the configuration takes no other.
      execute: [
        oidc.enableNonRepudiationChecks,
        ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
      ],
    });
  };

  const configurationOf = (realm: string): Promise<oidc.Configuration> => {
    const kept = known.get(realm);
    if (kept !== undefined && performance.now() - kept.atMs < discoveredForMs) return kept.found;
    const found = discover(realm);
    known.set(realm, { found, atMs: performance.now() });
    found.catch(() => known.delete(realm));
    return found;
  };

  return {
    async begin(realm, { fresh }) {
      const configuration = await configurationOf(realm);
      const verifier = oidc.randomPKCECodeVerifier();
      const pending = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier, fresh };
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid profile email',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: pending.state,
        nonce: pending.nonce,
        ...(fresh ? { prompt: 'login', max_age: String(freshSeconds) } : {}),
      });
      return { url: url.href, pending };
    },
    async finish(realm, { state, nonce, verifier, fresh }, search) {
      const tokens = await oidc.authorizationCodeGrant(
        await configurationOf(realm),
        new URL(`${redirectUri}${search}`),
        {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
          ...(fresh ? { maxAge: freshSeconds } : {}),
        },
      );
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('a log-in without an ID token');
      const at = typeof claims.auth_time === 'number' ? new Date(claims.auth_time * 1_000) : null;
      return { accessToken: tokens.access_token, subject: claims.sub, authenticatedAt: at };
    },
  };
}
