import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { Claims } from './claims.ts';
import { type IssuerKeys, issuerKeys } from './issuer-keys.ts';
import { clockToleranceSeconds, type TokenVerifier } from './verifier.ts';

export interface OidcSettings {
  readonly issuer: string;
  /** Required of every token; undefined when an operator has waived it by name. */
  readonly audience: string | undefined;
}

const algorithms = ['RS256', 'ES256'];

/** Tokens of an OpenID Connect issuer, verified with the keys it publishes. */
export function oidcVerifier(
  { issuer, audience }: OidcSettings,
  keys: IssuerKeys = issuerKeys(issuer),
): TokenVerifier {
  return {
    keysInForce: keys.inForce,
    async verify(token) {
      refuseHopeless(token, issuer);
      const { payload } = await jwtVerify(token, keys.find, {
        algorithms,
        issuer,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: clockToleranceSeconds,
      });
      if (audience !== undefined && !audiencesOf(payload).includes(audience))
        throw new Error('for another service');
      return payload;
    },
  };
}

/** Cognito's access tokens name no audience, but the client that they were made for. */
function audiencesOf({ aud, token_use: use, client_id: client }: Claims): unknown[] {
  return aud === undefined && use === 'access' ? [client] : [aud].flat();
}

/** What cannot become valid must not make us ask the issuer for keys. Nothing is trusted here. */
function refuseHopeless(token: string, issuer: string): void {
  const { alg, kid } = decodeProtectedHeader(token);
  const { iss, exp } = decodeJwt(token);
  const kidIsPlain = kid === undefined || (typeof kid === 'string' && /^[\x21-\x7e]{1,255}$/.test(kid));
  const expired = typeof exp !== 'number' || exp + clockToleranceSeconds <= Date.now() / 1_000;
  if (alg === undefined || !algorithms.includes(alg) || !kidIsPlain || iss !== issuer || expired) {
    throw new Error('not a token of this issuer');
  }
}
