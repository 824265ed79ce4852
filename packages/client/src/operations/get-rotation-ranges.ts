// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Show how far a rotation is in each part of each table. */
export const getRotationRanges = { method: 'GET', path: '/api/v1/admin/dek/rotations/{rotationId}/ranges' } as const;

export type GetRotationRangesInput = {
  readonly path: {
    /** rot-<uuid> */
    readonly rotationId: string;
  };
  readonly query?: {
    /** How many at most; each target has one at least. */
    readonly cells?: number;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type GetRotationRangesAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation ranges';
  readonly data: {
    readonly rotationId: string;
    readonly tenantId: string;
    /** By target and in the order of record ids; of neighbouring ranges, of about as many records. */
    readonly cells: Array<{
      /** The registered name of the table. */
      readonly target: string;
      /** How many ranges are in which state. */
      readonly ranges: {
        /** Not begun. */
        readonly planned: number;
        /** Held by a worker. */
        readonly sweeping: number;
        /** Begun, and held by nobody now. */
        readonly left: number;
        /** To be proved. */
        readonly swept: number;
        /** Proved. */
        readonly proved: number;
      };
      /** Records on older keys when its ranges were cut; in full ranges, what was added under the new one since the switch counts too. */
      readonly items: number;
      /** Re-encrypted by the sweep. */
      readonly itemsRotated: number;
      /** Set aside. */
      readonly itemsFailed: number;
      /** Of `items`, those in ranges that are proved. */
      readonly itemsProved: number;
      /** What holds up one of its ranges. */
      readonly waitingFor: string | null;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
