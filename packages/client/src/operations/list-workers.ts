// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List workers and vaults. */
export const listWorkers = { method: 'GET', path: '/api/v1/admin/workers' } as const;

export type ListWorkersInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** Kind (worker or vault). */
    readonly kind?: 'worker' | 'vault';
    /** State (live, silent or ended). */
    readonly state?: 'live' | 'silent' | 'ended';
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

export type ListWorkersAnswer = {
  readonly success: true;
  readonly message: 'Workers and vaults';
  readonly data: {
    readonly processes: Array<{
      readonly processId: string;
      readonly kind: 'worker' | 'vault';
      readonly state: 'live' | 'silent' | 'ended';
      /** Under which it is connected to Postgres. */
      readonly databaseRole: string;
      readonly host: string;
      readonly version: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly beganAt: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly heartbeatAt: string;
      /** When it had last told of everything that it has opened. */
      readonly toldAt: string | null;
      /** When it said that it ends. */
      readonly endedAt: string | null;
      /** Those that it wrapped and unwrapped with, and when last. */
      readonly keks: Array<{
        readonly kekId: string;
        /** ISO 8601, UTC, with milliseconds. */
        readonly provedAt: string;
      }>;
      /** DEKs that it has used; of the tenant asked for. */
      readonly keys: number;
      /** Of one record, between its last two reports. */
      readonly latencies: {
        readonly open?: {
          readonly count: number;
          /** In milliseconds. */
          readonly p50: number;
          /** In milliseconds. */
          readonly p99: number;
        };
        readonly seal?: {
          readonly count: number;
          /** In milliseconds. */
          readonly p50: number;
          /** In milliseconds. */
          readonly p99: number;
        };
        readonly reencrypt?: {
          readonly count: number;
          /** In milliseconds. */
          readonly p50: number;
          /** In milliseconds. */
          readonly p99: number;
        };
      };
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
