// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Pause an unfinished rotation. */
export const pauseRotation = { method: 'POST', path: '/api/v1/admin/dek/rotations/{rotationId}/pause' } as const;

export type PauseRotationInput = {
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
  readonly body?: {
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type PauseRotationAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation status' | 'DEK rotation cancelled' | 'DEK rotation paused' | 'DEK rotation resumed' | 'DEK rotation retried' | 'DEK rotation updated';
  readonly data: {
    readonly rotationId: string;
    readonly tenantId: string;
    /** The rotation whose left-overs this one sweeps, to the same DEK. */
    readonly retryOf: string | null;
    readonly status: 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'failed' | 'cancelled';
    readonly phase: 'queued' | 'activating' | 'sweeping' | 'verifying' | 'done';
    /** Null for a tenant that had no DEK. */
    readonly previousKeyId: string | null;
    readonly newKeyId: string;
    /** ISO 8601, UTC, with milliseconds. */
    readonly startedAt: string;
    /** When the new DEK became active. */
    readonly switchedAt: string | null;
    /** When nothing could be written under an older DEK any more. */
    readonly drainedAt: string | null;
    readonly completedAt: string | null;
    /** Null while it is paused. While it stands still, as if it went on now. */
    readonly estimatedCompletion: string | null;
    /** Null where nothing was measured yet, or it does not run. */
    readonly estimatedRange: {
      /** ISO 8601, UTC, with milliseconds. */
      readonly earliest: string;
      /** Null while it waits or is throttled to a stop: nobody knows until when. */
      readonly latest: string | null;
    } | null;
    readonly itemsToRotate: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    readonly itemsRotated: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    readonly itemsSuperseded: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    readonly itemsFailed: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    readonly itemsRemaining: {
      readonly credentials: number;
      readonly apiKeys: number;
      readonly secrets: number;
    };
    /** The registered tables, by name, as far as they are planned; each counts under its item type. */
    readonly targets: Array<{
      /** As the operator registered it. */
      readonly name: string;
      readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
      readonly itemsRotated: number;
      readonly itemsFailed: number;
      readonly itemsRemaining: number;
    }>;
    readonly percentComplete: number;
    readonly itemsPerSecond: number;
    /** What it is held back to, over all workers; null: nothing. */
    readonly itemsPerSecondMax: number | null;
    readonly waitingFor: 'worker' | 'kms' | 'database' | 'lock' | 'integrity' | 'internal' | 'window' | 'kek_suspended' | null;
    readonly waitingDetail: {
      readonly what: string;
      readonly since: string | null;
      readonly todo: string;
      readonly holders?: Array<{
        readonly pid: number | null;
        readonly gid: string | null;
        /** Shown to `super_admin` only. */
        readonly applicationName: string | null;
        readonly since: string | null;
        /** False: it began then or earlier. */
        readonly sinceIsExact: boolean;
      }>;
    } | null;
    readonly failureReason: string | null;
    readonly initiatedBy: {
      /** The `sub` of the token. */
      readonly id: string;
      readonly name: string | null;
      readonly email: string | null;
    };
    /** Because the DEK that it replaces is compromised: it comes before all others, and nothing holds it back. */
    readonly compromise: boolean;
    /** The rotation that took its place, because of a compromised key. */
    readonly supersededBy: string | null;
    /** Outside of these nothing is begun and the sweep stands still. Null: at any time. */
    readonly windows: Array<{
      /** On which it begins. */
      readonly days: Array<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'>;
      readonly from: string;
      /** At or before `from` it is of the next day. */
      readonly to: string;
      /** By its name in the IANA database. */
      readonly timeZone: string;
    }> | null;
    /** Of the policy that began it, `<default>.<tenant>`; null: somebody called for it. */
    readonly policyVersion: string | null;
    /** Only of a rotation that was started with a plan, for as long as that is kept. */
    readonly plan?: {
      readonly planId: string;
      readonly itemsToRotate: {
        readonly credentials: number;
        readonly apiKeys: number;
        readonly secrets: number;
      };
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
    };
    /** What that plan is held against. */
    readonly actual?: {
      readonly itemsToRotate: {
        readonly credentials: number;
        readonly apiKeys: number;
        readonly secrets: number;
      };
      /** From the call to the end, or until now. */
      readonly seconds: number;
      /** What the database server wrote from the call to the end, for everybody: applications and other rotations too. Null until the end. */
      readonly walBytes: number | null;
      /** Up to a second or two ago, but for those of a worker that was killed before it told of them. */
      readonly kmsCalls: number;
    };
    /** What its sweep is held back for, for the sake of production; it goes on by itself. */
    readonly throttledBy: {
      /** What was seen; docs/protection.md has them all. */
      readonly signal: 'lag' | 'wal_archive' | 'load' | 'latency' | 'locks' | 'dead_tuples' | 'query' | 'http';
      readonly detail: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly since: string;
    } | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
