import type { Claims } from './claims.ts';

/** The claims of a token that holds; throws {@link KeysUnavailable}, or anything else for a token that does not. */
export type TokenVerifier = (token: string) => Promise<Claims>;

/** One verifier per admitted realm: which one is asked never depends on the token. */
export type RealmVerifiers = ReadonlyMap<string, TokenVerifier>;

/** The issuer's keys cannot be fetched, and the one needed is not cached: nothing is known about the token. */
export class KeysUnavailable extends Error {
  readonly code = 'KEYS_UNAVAILABLE';

  constructor(cause: unknown) {
    super("The issuer's keys are not available", { cause });
    this.name = 'KeysUnavailable';
  }
}

/** How far our clock and the issuer's may differ. */
export const clockToleranceSeconds = 5;
