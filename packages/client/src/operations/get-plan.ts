// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Say how a plan stands, and what it came to. */
export const getPlan = { method: 'GET', path: '/api/v1/admin/dek/plans/{planId}' } as const;

export type GetPlanInput = {
  readonly path: {
    /** plan-<uuid> */
    readonly planId: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type GetPlanAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation planned' | 'DEK rotation plan';
  readonly data: {
    readonly planId: string;
    readonly tenantId: string;
    readonly check: 'none' | 'sample' | 'all';
    /** `failed`: it could not be made within a day; `waitingDetail` says what was in the way. */
    readonly status: 'in_progress' | 'completed' | 'failed';
    /** ISO 8601, UTC, with milliseconds. */
    readonly startedAt: string;
    readonly completedAt: string | null;
    /** ISO 8601, UTC, with milliseconds. */
    readonly expiresAt: string;
    readonly itemsToRotate: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    /** Parts that workers take at a time, each. */
    readonly rangesToSweep: number;
    /** The registered tables, by name. */
    readonly targets: Array<{
      readonly name: string;
      readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
      readonly records: number;
      readonly ranges: number;
    }>;
    /** Records whose size was read so far. */
    readonly recordsSized: number;
    /** And that were opened. */
    readonly recordsOpened: number;
    /** Of all ciphertexts. Null until it is completed. */
    readonly bytes: number | null;
    /** Null until it is completed. */
    readonly estimate: {
      readonly seconds: {
        readonly low: number;
        readonly high: number;
        /** `measured`: by rotations of about this size that ended here. `assumed`: there was none, and the range is wide. */
        readonly by: 'measured' | 'assumed';
      };
      readonly walBytes: {
        readonly low: number;
        readonly high: number;
        /** `measured`: by rotations of about this size that ended here. `assumed`: there was none, and the range is wide. */
        readonly by: 'measured' | 'assumed';
      };
      readonly kmsCalls: {
        readonly low: number;
        readonly high: number;
      };
    } | null;
    /** Rotations of all tenants that stood before it when it was completed. */
    readonly queue: {
      readonly running: number;
      readonly waiting: number;
      readonly itemsAhead: number;
    } | null;
    /** Null until it is completed, and with `check: none`: no record was looked at. */
    readonly openedRecords: {
      /** That were opened. */
      readonly records: number;
      /** What chose the sample. */
      readonly seed: number;
      /** How many of these will not, by the reason that a rotation would set them aside for. */
      readonly notOpening: {
        readonly MALFORMED?: number;
        readonly KEY_UNKNOWN?: number;
        readonly KEY_UNUSABLE?: number;
        readonly AUTHENTICATION_FAILED?: number;
        readonly TOO_LARGE?: number;
        readonly UNREADABLE?: number;
        readonly REFUSED_BY_CONSTRAINT?: number;
        readonly REFUSED_BY_TRIGGER?: number;
      };
      /** Of all records of the tenant so many at most will not open, */
      readonly recordsNotOpeningMax: number;
      /** with this confidence. */
      readonly confidence: number;
    } | null;
    readonly waitingFor: 'worker' | 'kms' | 'database' | 'lock' | 'integrity' | 'internal' | 'kek_suspended' | null;
    readonly waitingDetail: {
      readonly what: string;
      readonly since: string | null;
      readonly todo: string;
    } | null;
    /** The rotation that was started with it. */
    readonly rotationId: string | null;
    readonly initiatedBy: {
      /** The `sub` of the token. */
      readonly id: string;
      readonly name: string | null;
      readonly email: string | null;
    };
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
