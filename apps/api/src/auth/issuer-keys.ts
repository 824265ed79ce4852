import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { KeysUnavailable } from './verifier.ts';

export interface IssuerKeys {
  /** The key that a token names. */
  readonly find: JWTVerifyGetKey;
  /** The number of the fetch they came with; null when the next token has to wait for another one. */
  readonly inForce: () => number | null;
}

/** An issuer that has not answered by then is away. */
const fetchTimeoutMs = 2_000;
/** Keys older than this are fetched again before they are used: a key that the issuer withdrew ends with it. */
const freshForMs = 10 * 60_000;
/** An unknown key id makes us look again, but a flood of made-up ones only that often. */
const missPauseMs = 10_000;
/** While the issuer is away: how long after a failed attempt the next one is made. */
const failurePauseMs = { missing: 1_000, stale: 30_000 };

/**
 * The keys of one issuer, found by discovery, fetched when first needed and kept. While the issuer is away the
 * kept ones go on working, however old; a key that is not among them throws {@link KeysUnavailable}.
 */
export function issuerKeys(issuer: string): IssuerKeys {
  let kept: { readonly uri: string; readonly keys: ReturnType<typeof createRemoteJWKSet> } | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetches = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let missedAt = Number.NEGATIVE_INFINITY;
  let lastFailure: unknown;
  let underWay: Promise<void> | undefined;

  const fetchKeys = async (): Promise<void> => {
    try {
      const uri = await discover(issuer);
      // jose's own reloading is switched off: the pauses above decide, so that kept keys outlive an outage.
      const keys =
        kept?.uri === uri
          ? kept.keys
          : createRemoteJWKSet(new URL(uri), {
              timeoutDuration: fetchTimeoutMs,
              cacheMaxAge: Number.POSITIVE_INFINITY,
              cooldownDuration: Number.POSITIVE_INFINITY,
            });
      await keys.reload();
      kept = { uri, keys };
      fetchedAt = performance.now();
      fetches += 1;
    } catch (error) {
      failedAt = performance.now();
      lastFailure = error;
      throw new KeysUnavailable(error);
    }
  };

  const refresh = (pauseMs: number): Promise<void> => {
    if (underWay !== undefined) return underWay;
    if (performance.now() - failedAt < pauseMs) return Promise.reject(new KeysUnavailable(lastFailure));
    underWay = fetchKeys().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };

  const areFresh = (): boolean => performance.now() - fetchedAt <= freshForMs;

  const find: JWTVerifyGetKey = async (header, token) => {
    if (kept === undefined) await refresh(failurePauseMs.missing);
    else if (!areFresh()) await refresh(failurePauseMs.stale).catch(() => {});
    if (kept === undefined) throw new KeysUnavailable(lastFailure);
    try {
      return await kept.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || performance.now() - missedAt < missPauseMs)
        throw error;
      await refresh(failurePauseMs.missing);
      missedAt = performance.now();
      return kept.keys(header, token);
    }
  };

  return { find, inForce: () => (areFresh() ? fetches : null) };
}

async function discover(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeoutMs),
  });
  if (!response.ok) throw new Error('discovery was not answered with success');
  const document: unknown = await response.json();
  if (typeof document !== 'object' || document === null)
    throw new Error('discovery did not answer an object');
  if (!('issuer' in document) || document.issuer !== issuer)
    throw new Error('discovery speaks for another issuer');
  if (!('jwks_uri' in document) || typeof document.jwks_uri !== 'string')
    throw new Error('discovery has no keys');
  const { protocol } = new URL(document.jwks_uri);
  if (protocol !== 'https:' && protocol !== new URL(issuer).protocol) throw new Error('keys without TLS');
  return document.jwks_uri;
}
