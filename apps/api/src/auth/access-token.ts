import { decodeProtectedHeader } from 'jose';
import type { Claims } from './claims.ts';
import { clockToleranceSeconds, type TokenVerifier } from './verifier.ts';

/**
 * A verifier that takes access tokens only. An issuer signs tokens of other kinds with the same keys: about a login
 * (ID token), to get further tokens (refresh, offline), to end a session (logout). Whoever holds one of those was
 * not sent here with it. With `ageMaxSeconds` a token must say when it was issued, and ends that much later.
 */
export function accessTokensOnly(
  { verify, keysInForce }: TokenVerifier,
  ageMaxSeconds: number | undefined,
  nowMs: () => number = Date.now,
): TokenVerifier {
  return {
    keysInForce,
    async verify(token) {
      const claims = await verify(token);
      if (!isAccessToken(decodeProtectedHeader(token), claims)) throw new Error('not an access token');
      return ageMaxSeconds === undefined ? claims : endingBy(claims, ageMaxSeconds, nowMs() / 1_000);
    },
  };
}

function isAccessToken(header: Claims, claims: Claims): boolean {
  return (
    // Whatever has to be understood: none of it is (RFC 7515, 4.1.11).
    header.crit === undefined &&
    headerTypes.has(nameIn(header.typ)) &&
    claimTypes.has(nameIn(claims.typ)) &&
    claimTypes.has(nameIn(claims.token_use)) &&
    claimTypes.has(nameIn(claims.token_type)) &&
    !otherKinds.has(nameIn(claims.tokenName)) &&
    !otherKinds.has(nameIn(claims.type)) &&
    !claimsOfOthers.some((name) => isThere(claims[name])) &&
    !(isThere(claims.nonce) && !signsOfAccess.some((name) => isThere(claims[name])))
  );
}

/** RFC 9068 and RFC 7519. Others name another kind: `logout+jwt`, `dpop+jwt`, `secevent+jwt`, … */
const headerTypes: ReadonlySet<string | null> = new Set([null, 'jwt', 'at+jwt']);

/** What Keycloak (`typ`), Cognito (`token_use`) and others call an access token in a claim. */
const claimTypes: ReadonlySet<string | null> = new Set([
  null,
  'bearer',
  'access',
  'access_token',
  'access-token',
  'accesstoken',
  'at+jwt',
  'jwt',
]);

/** Where a claim's name may mean anything else as well, only these say of what kind a token is. */
const otherKinds: ReadonlySet<string | null> = new Set([
  'id',
  'id_token',
  'idtoken',
  'refresh',
  'refresh_token',
  'refreshtoken',
  'offline',
  'logout',
  'logout_token',
]);

/**
 * `at_hash` and its like stand in ID tokens only, `events` in logout and security event tokens. `cnf` binds a token to
 * a key or certificate (DPoP, mutual TLS): without the proof, which this service does not ask for, it is no better
 * than stolen.
 */
const claimsOfOthers = ['at_hash', 'c_hash', 's_hash', 'events', 'cnf'];

/** Of an issuer whose access tokens repeat the `nonce` of the login, one of these is there too. */
const signsOfAccess = ['scope', 'scp', 'client_id', 'cid', 'appid', 'typ', 'token_use', 'token_type'];

function isThere(claim: unknown): boolean {
  return claim !== undefined && claim !== null;
}

/** In lower case and without `application/`; null when absent, empty text (which no set holds) when no text. */
function nameIn(type: unknown): string | null {
  if (!isThere(type)) return null;
  return typeof type === 'string' ? type.toLowerCase().replace(/^application\//, '') : '';
}

/** The claims with an `exp` that is no later than the age allows; throws for a token that is older, or names no age. */
function endingBy(claims: Claims, ageMaxSeconds: number, nowSeconds: number): Claims {
  const { iat, exp } = claims;
  if (typeof iat !== 'number' || !Number.isFinite(iat))
    throw new Error('a token that does not say when it was issued');
  if (iat > nowSeconds + clockToleranceSeconds) throw new Error('a token of the future');
  const end = iat + ageMaxSeconds;
  if (end + clockToleranceSeconds <= nowSeconds) throw new Error('a token that is too old');
  return { ...claims, exp: typeof exp === 'number' ? Math.min(exp, end) : end };
}
