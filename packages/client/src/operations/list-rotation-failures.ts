// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List the records that a rotation set aside. */
export const listRotationFailures = { method: 'GET', path: '/api/v1/admin/dek/rotations/{rotationId}/failures' } as const;

export type ListRotationFailuresInput = {
  readonly path: {
    /** rot-<uuid> */
    readonly rotationId: string;
  };
  readonly query?: {
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

export type ListRotationFailuresAnswer = {
  readonly success: true;
  readonly message: 'Records set aside by this rotation';
  readonly data: {
    readonly rotationId: string;
    readonly tenantId: string;
    readonly failures: Array<{
      readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
      /** The registered name of the table. */
      readonly target: string;
      readonly recordId: string;
      readonly reason: 'MALFORMED' | 'KEY_UNKNOWN' | 'KEY_UNUSABLE' | 'AUTHENTICATION_FAILED' | 'TOO_LARGE' | 'UNREADABLE' | 'REFUSED_BY_CONSTRAINT' | 'REFUSED_BY_TRIGGER';
      /** ISO 8601, UTC, with milliseconds. */
      readonly at: string;
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
