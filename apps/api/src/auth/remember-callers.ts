import { hash } from 'node:crypto';
import type { Caller } from './caller.ts';
import type { Claims } from './claims.ts';
import type { TokenVerifier } from './verifier.ts';

/** The caller behind a token; null when it names nobody. Throws what verifying throws. */
export type FindCaller = (token: string) => Caller | Promise<Caller | null>;

interface Remembered {
  readonly caller: Caller;
  /** The keys under which the token held. */
  readonly keys: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Far more than there are administrators and their tools; each takes some 300 bytes. */
const rememberedMax = 10_000;

/**
 * Verifies a token once and not at every poll, of which it was a third. Remembered is only what held, by the digest of
 * the whole token (no token stays in memory), until it expires by a clock that was not set back, and only while the
 * keys are those it held under: whatever else comes is verified anew.
 */
export function rememberCallers(
  { verify, keysInForce }: TokenVerifier,
  callerFrom: (claims: Claims) => Caller | null,
  nowMs: () => number = Date.now,
): FindCaller {
  const remembered = new Map<string, Remembered>();

  const find = async (token: string, digest: string): Promise<Caller | null> => {
    // Asked before: under keys that come meanwhile the token may not have been verified.
    const keys = keysInForce();
    const fromMs = nowMs();
    const claims = await verify(token);
    const caller = callerFrom(claims);
    if (caller === null || keys === null || typeof claims.exp !== 'number') return caller;
    const [oldest] = remembered.keys();
    if (oldest !== undefined && remembered.size >= rememberedMax) remembered.delete(oldest);
    remembered.set(digest, { caller, keys, fromMs, untilMs: claims.exp * 1_000 });
    return caller;
  };

  return (token) => {
    const digest = hash('sha256', token, 'base64');
    const known = remembered.get(digest);
    if (known === undefined) return find(token, digest);
    const now = nowMs();
    if (known.keys === keysInForce() && known.fromMs <= now && now < known.untilMs) return known.caller;
    remembered.delete(digest);
    return find(token, digest);
  };
}
