import type { Claims } from './claims.ts';

export interface TokenVerifier {
  /** The claims of a token that holds; throws {@link KeysUnavailable}, or anything else for a token that does not. */
  readonly verify: (token: string) => Promise<Claims>;
  /** Another number whenever the keys may have changed; null while they must be looked up before the next token. */
  readonly keysInForce: () => number | null;
}

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
