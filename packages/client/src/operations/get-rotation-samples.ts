// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Tell how far a rotation was when. */
export const getRotationSamples = { method: 'GET', path: '/api/v1/admin/dek/rotations/{rotationId}/samples' } as const;

export type GetRotationSamplesInput = {
  readonly path: {
    /** rot-<uuid> */
    readonly rotationId: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type GetRotationSamplesAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation samples';
  readonly data: {
    readonly rotationId: string;
    readonly tenantId: string;
    /** In order. None while it is paused, and none of one that took less than a second. */
    readonly samples: Array<{
      /** ISO 8601, UTC, with milliseconds. */
      readonly at: string;
      /** Re-encrypted or set aside until then. */
      readonly itemsDone: number;
      /** Over the ten seconds before. */
      readonly itemsPerSecond: number;
      readonly waitingFor: 'worker' | 'kms' | 'database' | 'lock' | 'integrity' | 'internal' | 'window' | 'kek_suspended' | null;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
