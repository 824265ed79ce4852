// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Tell how all rotations stand, and which need a person. */
export const getSummary = { method: 'GET', path: '/api/v1/admin/summary' } as const;

export type GetSummaryInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type GetSummaryAnswer = {
  readonly success: true;
  readonly message: 'Summary of DEK rotations';
  readonly data: {
    /** Null: of all tenants. */
    readonly tenantId: string | null;
    /** All that ever were, by status. */
    readonly rotations: {
      readonly in_progress: number;
      readonly paused: number;
      readonly completed: number;
      readonly completed_with_failures: number;
      readonly failed: number;
      readonly cancelled: number;
    };
    /** Paused for more than 24 hours; failed or completed with failures, without a completed rotation of the tenant behind it; or waiting for what does not end by itself. */
    readonly needsSomebody: {
      readonly count: number;
      readonly byReason: {
        readonly paused: number;
        readonly failed: number;
        readonly completed_with_failures: number;
        readonly integrity: number;
        readonly internal: number;
        readonly kek_suspended: number;
      };
      /** Of these, those that have stood longest. */
      readonly rotations: Array<{
        readonly rotationId: string;
        readonly tenantId: string;
        readonly reason: 'paused' | 'failed' | 'completed_with_failures' | 'integrity' | 'internal' | 'kek_suspended';
        /** When it was paused, has ended, or began to wait for that. */
        readonly since: string;
      }>;
    };
    /** Active DEKs by age, to the full hour; each is counted once. */
    readonly activeKeyAges: Array<{
      /** Younger than so many days of 24 hours; null: older than all of these. */
      readonly daysBelow: number | null;
      readonly keys: number;
    }>;
    /** Active DEKs for which a policy says when, by how they stand, as a worker saw it at `seenAt`. Null: none has looked within the last minute. */
    readonly byPolicy: {
      readonly fresh: number;
      readonly due: number;
      readonly overdue: number;
      readonly orphaned: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly seenAt: string;
    } | null;
    /** Tenants for which a policy says how old the wrapping of DEKs gets, by how it stands; null as `byPolicy` is. */
    readonly wrappingsByPolicy: {
      readonly fresh: number;
      readonly due: number;
      readonly overdue: number;
      readonly orphaned: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly seenAt: string;
    } | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
