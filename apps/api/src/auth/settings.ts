import type { FastifyInstance } from 'fastify';
import { accessTokensOnly } from './access-token.ts';
import type { Authentication } from './authenticate.ts';
import { type ClaimPaths, callerFrom } from './claims.ts';
import { type Hs256Settings, hs256Verifier } from './hs256.ts';
import { oidcVerifier } from './oidc.ts';
import { rememberCallers } from './remember-callers.ts';
import type { TokenVerifier } from './verifier.ts';

/** Either one realm with a shared secret, or an OpenID Connect issuer per realm. */
export type AuthSettings = {
  readonly defaultRealm: string;
  readonly claimPaths: ClaimPaths;
  /** A token ends that long after it was issued (`iat`, which it must then have), whatever its `exp`. */
  readonly tokenAgeMaxSeconds?: number | undefined;
} & (
  | ({ readonly kind: 'hs256' } & Hs256Settings)
  | {
      readonly kind: 'oidc';
      /** Issuer by realm. */
      readonly issuers: ReadonlyMap<string, string>;
      readonly audience: string | undefined;
    }
);

export async function buildAuthentication(
  app: FastifyInstance,
  settings: AuthSettings,
): Promise<Authentication> {
  const { defaultRealm, claimPaths, tokenAgeMaxSeconds } = settings;
  const realms = [...(await verifiersOf(app, settings))].map(([realm, verifier]) => {
    const ofAccess = accessTokensOnly(verifier, tokenAgeMaxSeconds);
    return [realm, rememberCallers(ofAccess, (claims) => callerFrom(claims, realm, claimPaths))] as const;
  });
  return { defaultRealm, realms: new Map(realms) };
}

async function verifiersOf(
  app: FastifyInstance,
  settings: AuthSettings,
): Promise<ReadonlyMap<string, TokenVerifier>> {
  if (settings.kind === 'hs256') {
    return new Map([[settings.defaultRealm, await hs256Verifier(app, settings)]]);
  }
  const { audience, issuers } = settings;
  return new Map([...issuers].map(([realm, issuer]) => [realm, oidcVerifier({ issuer, audience })]));
}
