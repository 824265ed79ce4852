// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List the signed checkpoints of the log of all events. */
export const listCheckpoints = { method: 'GET', path: '/api/v1/admin/audit/checkpoints' } as const;

export type ListCheckpointsInput = {
  readonly query?: {
    /** Of the last one of the page before. */
    readonly before?: number;
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

export type ListCheckpointsAnswer = {
  readonly success: true;
  readonly message: 'Audit checkpoints';
  readonly data: {
    readonly checkpoints: Array<{
      /** How many leaves of the log it covers. */
      readonly size: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly madeAt: string;
      /** A tlog-checkpoint of C2SP: the file to keep elsewhere. */
      readonly note: string;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
