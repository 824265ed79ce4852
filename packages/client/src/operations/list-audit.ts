// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List what was recorded: who did what. */
export const listAudit = { method: 'GET', path: '/api/v1/admin/audit' } as const;

export type ListAuditInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** As in `rotation.requested`. */
    readonly kind?: string;
    /** The id of who acted: a `sub`, a worker, a user of the database. */
    readonly actor?: string;
    /** Rotation id. */
    readonly rotationId?: string;
    /** Time (ISO 8601, UTC). */
    readonly recordedAfter?: string;
    /** Time (ISO 8601, UTC). */
    readonly recordedBefore?: string;
    /** `nextCursor` of the page before. */
    readonly cursor?: string;
    /** Limit (an integer from 1 to 500). */
    readonly limit?: number;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type ListAuditAnswer = {
  readonly success: true;
  readonly message: 'Audit events';
  readonly data: {
    readonly events: Array<{
      /** What the hash covers, and nothing besides. */
      readonly event: {
        readonly actor: {
          /** `user`, `policy`, `campaign`, `worker` or `operator`. */
          readonly kind: string;
          readonly realm: string | null;
          readonly id: string;
          /** Salted, of the name; the name stands in no event. */
          readonly nameHash: string | null;
        };
        /** ISO 8601, UTC, with microseconds. */
        readonly at: string;
        /** The tenant's id; of what touches no tenant, the installation's. */
        readonly chain: string;
        /** Whom Postgres knew, unlike the actor. */
        readonly databaseRole: string;
        readonly kind: string;
        /** By kind and version. */
        readonly payload: Readonly<Record<string, unknown>>;
        /** SHA-256 in hex. */
        readonly previous: string;
        /** Without `rot-`, as it is hashed. */
        readonly rotationId: string | null;
        /** Without gaps within its chain. */
        readonly sequence: number;
        readonly version: number;
      };
      /** SHA-256 in hex. */
      readonly hash: string;
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
