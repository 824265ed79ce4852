import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { fetchIssuerKeys } from './fetch-issuer-keys.ts';
import { KeysUnavailable } from './verifier.ts';

export interface IssuerKeys {
  /** The key that a token names. */
  readonly find: JWTVerifyGetKey;
  /** Another number for other keys; null when the next token has to wait for them to be fetched. */
  readonly inForce: () => number | null;
}

/** Keys older than this are fetched again before they are used: a key that the issuer withdrew ends with it. */
const freshForMs = 10 * 60_000;
/** Without an issuer to ask, keys are believed for so long: longer than its outages, shorter than a stolen key lives. */
const keptForMs = 24 * 60 * 60_000;
/** An unknown key id makes us look again, but a flood of made-up ones only that often. */
const missPauseMs = 10_000;
/** While the issuer is away: how long after a failed attempt the next one is made. */
const failurePauseMs = { missing: 1_000, stale: 30_000 };

/**
 * The keys of one issuer, found by discovery, fetched when first needed and kept. While the issuer is away the
 * kept ones go on working for a day; a key that is not among them throws {@link KeysUnavailable}.
 */
export function issuerKeys(issuer: string, nowMs: () => number = () => performance.now()): IssuerKeys {
  let kept: { readonly text: string; readonly keys: JWTVerifyGetKey } | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let generation = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let missedAt = Number.NEGATIVE_INFINITY;
  let lastFailure: unknown;
  let underWay: Promise<void> | undefined;

  const fetchKeys = async (): Promise<void> => {
    try {
      const keys = await fetchIssuerKeys(issuer);
      const text = JSON.stringify(keys);
      if (kept?.text !== text) {
        kept = { text, keys: createLocalJWKSet({ keys }) };
        generation += 1;
      }
      fetchedAt = nowMs();
    } catch (error) {
      failedAt = nowMs();
      lastFailure = error;
      throw new KeysUnavailable(error);
    }
  };

  const refresh = (pauseMs: number): Promise<void> => {
    if (underWay !== undefined) return underWay;
    if (nowMs() - failedAt < pauseMs) return Promise.reject(new KeysUnavailable(lastFailure));
    underWay = fetchKeys().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };

  const areFresh = (): boolean => nowMs() - fetchedAt <= freshForMs;

  const find: JWTVerifyGetKey = async (header, token) => {
    if (kept === undefined) await refresh(failurePauseMs.missing);
    else if (!areFresh()) await refresh(failurePauseMs.stale).catch(() => {});
    if (nowMs() - fetchedAt > keptForMs) throw new KeysUnavailable(lastFailure);
    if (kept === undefined) throw new KeysUnavailable(lastFailure);
    try {
      return await kept.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || nowMs() - missedAt < missPauseMs) throw error;
      await refresh(failurePauseMs.missing);
      missedAt = nowMs();
      return kept.keys(header, token);
    }
  };

  return { find, inForce: () => (areFresh() ? generation : null) };
}
