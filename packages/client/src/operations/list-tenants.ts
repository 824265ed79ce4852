// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List tenants, and how their keys stand by their policies. */
export const listTenants = { method: 'GET', path: '/api/v1/admin/tenants' } as const;

export type ListTenantsInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** `due`: its time has come. `overdue`: the interval has passed, or the seals are spent. `orphaned`: tries fail, or records are left on an older DEK: a person must act. */
    readonly level?: 'fresh' | 'due' | 'overdue' | 'orphaned';
    /** `due`: it will be made anew. `overdue`: `rewrapEveryDays` has passed. `orphaned`: five tries have failed: a person must act. */
    readonly wrapping?: 'fresh' | 'due' | 'overdue' | 'orphaned';
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

export type ListTenantsAnswer = {
  readonly success: true;
  readonly message: 'Tenants';
  readonly data: {
    readonly tenants: Array<{
      readonly tenantId: string;
      readonly name: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly createdAt: string;
      /** Null: it has none yet. */
      readonly activeKey: {
        readonly keyId: string;
        readonly keyNumber: number;
        /** ISO 8601, UTC, with milliseconds. */
        readonly activatedAt: string;
      } | null;
      /** Null: no policy says when, or nobody has looked since the DEK is active. */
      readonly level: 'fresh' | 'due' | 'overdue' | 'orphaned' | null;
      /** By the age of the DEK; null: its policy says nothing of age. */
      readonly dueAt: string | null;
      /** When the interval has passed. */
      readonly overdueAt: string | null;
      /** Of policies, to replace this DEK, which ended without a switch. */
      readonly tries: number | null;
      /** Of the DEK that was wrapped the longest ago. Null: no policy says how old it gets, or nobody has looked yet. */
      readonly wrapping: {
        /** `due`: it will be made anew. `overdue`: `rewrapEveryDays` has passed. `orphaned`: five tries have failed: a person must act. */
        readonly level: 'fresh' | 'due' | 'overdue' | 'orphaned';
        /** ISO 8601, UTC, with milliseconds. */
        readonly overdueAt: string;
        /** That ended otherwise than completed. */
        readonly tries: number;
      } | null;
      /** Its unfinished rotation. */
      readonly rotationId: string | null;
    }>;
    /** When a worker last looked how they stand by their policies: every ten seconds. Null: none has, or there are no tenants here. */
    readonly seenAt: string | null;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
