// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List rewraps. */
export const listRewraps = { method: 'GET', path: '/api/v1/admin/kek/rewraps' } as const;

export type ListRewrapsInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** `nextCursor` of the page before. */
    readonly cursor?: string;
    /** Limit (an integer from 1 to 200). */
    readonly limit?: number;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type ListRewrapsAnswer = {
  readonly success: true;
  readonly message: 'KEK rewraps';
  readonly data: {
    readonly rewraps: Array<{
      readonly rewrapId: string;
      /** Null: all tenants. */
      readonly tenantId: string | null;
      readonly kek: string;
      readonly kekId: string;
      /** `completed`: every DEK is under that KEK. With failures: but for those that their KEK did not unwrap. */
      readonly status: 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'cancelled';
      /** DEKs; those that came meanwhile among them. */
      readonly keysTotal: number;
      readonly keysRewrapped: number;
      readonly keysSetAside: number;
      readonly keysRemaining: number;
      readonly percentComplete: number;
      /** A rewrap touches no record. */
      readonly recordsReencrypted: 0;
      /** So far, but for those of a worker that was killed. */
      readonly kmsCalls: number;
      readonly callsPerSecondMax: number;
      readonly forced: boolean;
      readonly waitingFor: 'kms' | 'kek_suspended' | 'worker' | null;
      readonly waitingDetail: {
        readonly what: string;
        readonly since: string | null;
        readonly todo: string;
      } | null;
      /** ISO 8601, UTC, with milliseconds. */
      readonly startedAt: string;
      readonly completedAt: string | null;
      readonly initiatedBy: {
        /** The `sub` of the token. */
        readonly id: string;
        readonly name: string | null;
        readonly email: string | null;
      };
      /** Over the DEKs that were rewrapped: id, tenant, number and the identity of the bytes of each, before its rewrap. */
      readonly fingerprintBefore: string | null;
      /** The same, read when all were done. The database completes no rewrap whose two differ. */
      readonly fingerprintAfter: string | null;
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
