// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Declare a KEK compromised. */
export const compromiseKek = { method: 'POST', path: '/api/v1/admin/keks/{kek}/compromise' } as const;

export type CompromiseKekInput = {
  readonly path: {
    /** A KEK by its name in the configuration of workers. */
    readonly kek: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** Visible ASCII. The same key, caller and body within 24 hours replays the 200; with another body it gets 422. */
    readonly 'idempotency-key'?: string;
  };
  readonly body: {
    /** As the configuration of workers names it; never a URI. */
    readonly kek: string;
    /** Why; kept with the event. No control characters. */
    readonly reason: string;
    /** Calls of KMSs by the rewrap; a DEK takes three. */
    readonly callsPerSecondMax?: number;
    /** Whatever processes have not proved the other KEK: they cannot use what comes under it, by the rewrap and by the rotations. */
    readonly force?: boolean;
  };
};

export type CompromiseKekAnswer = {
  readonly success: true;
  readonly message: 'KEK declared compromised' | 'Compromised KEK';
  readonly data: {
    readonly compromiseId: string;
    readonly kek: string;
    readonly kekId: string;
    readonly replacedBy: string;
    readonly replacedById: string;
    /** `completed`: no DEK is under that KEK, and each that is or was under it is compromised or destroyed, with every record re-encrypted. With failures: but for `keysFailed`. */
    readonly status: 'in_progress' | 'completed' | 'completed_with_failures';
    /** Null once it has ended. */
    readonly phase: 'rewrapping' | 'rotating' | null;
    /** DEKs that are under it, or were: those that an earlier rewrap took away from it among them. */
    readonly keysTotal: number;
    /** Still under it. */
    readonly keysUnder: number;
    /** Not compromised yet. */
    readonly keysInUse: number;
    readonly keysCompromised: number;
    readonly keysDestroyed: number;
    /** Their KEK did not unwrap them, or the rotation that was to replace them did not complete. */
    readonly keysFailed: number;
    readonly rotationsUnderWay: number;
    /** The latest of its rewraps. */
    readonly rewrapId: string | null;
    readonly forced: boolean;
    readonly reason: string;
    readonly initiatedBy: {
      /** The `sub` of the token. */
      readonly id: string;
      readonly name: string | null;
      readonly email: string | null;
    };
    /** ISO 8601, UTC, with milliseconds. */
    readonly startedAt: string;
    readonly completedAt: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
