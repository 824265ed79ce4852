import type { FastifyInstance } from 'fastify';
import type { Authentication } from './authenticate.ts';
import type { ClaimPaths } from './claims.ts';
import { type Hs256Settings, hs256Verifier } from './hs256.ts';
import { oidcVerifier } from './oidc.ts';

/** Either one realm with a shared secret, or an OpenID Connect issuer per realm. */
export type AuthSettings = { readonly defaultRealm: string; readonly claimPaths: ClaimPaths } & (
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
  const { defaultRealm, claimPaths } = settings;
  if (settings.kind === 'hs256') {
    return {
      defaultRealm,
      claimPaths,
      verifiers: new Map([[defaultRealm, await hs256Verifier(app, settings)]]),
    };
  }
  const { audience } = settings;
  const verifiers = [...settings.issuers].map(
    ([realm, issuer]) => [realm, oidcVerifier({ issuer, audience })] as const,
  );
  return { defaultRealm, claimPaths, verifiers: new Map(verifiers) };
}
