// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Tell what happened to a rotation, and how long each phase took. */
export const getRotationTimeline = { method: 'GET', path: '/api/v1/admin/dek/rotations/{rotationId}/timeline' } as const;

export type GetRotationTimelineInput = {
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

export type GetRotationTimelineAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation timeline';
  readonly data: {
    readonly rotationId: string;
    readonly tenantId: string;
    /** In order. Of rotations of earlier versions only what is known of them. */
    readonly phases: Array<{
      readonly phase: 'queued' | 'activating' | 'sweeping' | 'verifying';
      /** ISO 8601, UTC, with milliseconds. */
      readonly begin: string;
      /** Null: it lasts. */
      readonly end: string | null;
      /** Until now, while it lasts. */
      readonly durationMs: number;
    }>;
    /** In order. */
    readonly events: Array<{
      /** Its place in the tenant's chain; the `id` of a stream's events. */
      readonly sequence: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly at: string;
      /** As in `rotation.paused`. */
      readonly kind: string;
      readonly actor: {
        /** `user`, `policy`, `campaign`, `worker` or `operator`. */
        readonly kind: string;
        readonly realm: string | null;
        readonly id: string;
      };
      /** What the actor gave as one. */
      readonly reason: string | null;
      /** Of a rotation that failed. */
      readonly failureReason: string | null;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
