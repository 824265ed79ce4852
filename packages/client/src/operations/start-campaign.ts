// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Do the same for many tenants. */
export const startCampaign = { method: 'POST', path: '/api/v1/admin/campaigns' } as const;

export type StartCampaignInput = {
  readonly headers?: {
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** Visible ASCII. The same key, caller and body within 24 hours replays the 200; with another body it gets 422. */
    readonly 'idempotency-key'?: string;
  };
  readonly body: {
    /** Every tenant that has a DEK in use. */
    readonly all?: true;
    /** Tenants with a DEK under this KEK: in use, or for a rewrap any that is stored. */
    readonly onKek?: string;
    /** Tenants whose DEK has been in use for more days than that. */
    readonly olderThanDays?: number;
    /** These, each once. */
    readonly tenantIds?: Array<string>;
    /** `rotate`: a new DEK for each. `rewrap`: the same DEKs under the KEK `kek`. */
    readonly action?: 'rotate' | 'rewrap';
    /** With `rewrap`, and only then: the registered KEK that DEKs are brought under. */
    readonly kek?: string;
    /** By records, by the age of the DEK, or (with `tenantIds` only) as they were given. Canaries are the first. */
    readonly order?: 'smallest_first' | 'largest_first' | 'oldest_key_first' | 'as_given';
    /** So many come first, and have to end well before any other. 0 unless said. */
    readonly canaries?: number;
    /** So many run at once at most. 10 unless said. */
    readonly atOnceMax?: number;
    /** So many are started within an hour at most. */
    readonly perHourMax?: number;
    /** After so many that ended otherwise than well it stops, until somebody resumes it. 5 unless said. */
    readonly failuresMax?: number;
    /** Of each rewrap: calls of KMSs. 100 unless said. */
    readonly callsPerSecondMax?: number;
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type StartCampaignAnswer = {
  readonly success: true;
  readonly message: 'Campaign initiated successfully' | 'Campaign status' | 'Campaign paused' | 'Campaign resumed' | 'Campaign cancelled';
  readonly data: {
    readonly campaignId: string;
    readonly action: 'rotate' | 'rewrap';
    /** As it was asked for; of a list of ids how many. Chosen once, when it began. */
    readonly whom: {
      readonly all?: true;
      readonly onKek?: string;
      readonly olderThanDays?: number;
      readonly tenants?: number;
    };
    readonly kek: string | null;
    readonly order: 'smallest_first' | 'largest_first' | 'oldest_key_first' | 'as_given';
    readonly canaries: number;
    readonly atOnceMax: number;
    readonly perHourMax: number | null;
    readonly failuresMax: number;
    readonly callsPerSecondMax: number | null;
    /** `completed`: whoever was not skipped ended well. */
    readonly status: 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'cancelled';
    /** Of a paused one that stopped by itself: too many ended otherwise than well, or a canary did. */
    readonly stoppedFor: 'failures' | 'canary' | null;
    /** Why it starts nobody just now, besides that enough are running. `compromise`: DEKs that others know are replaced first. */
    readonly waitingFor: 'canaries' | 'per_hour' | 'compromise' | null;
    readonly tenantsTotal: number;
    readonly tenantsByState: {
      readonly waiting: number;
      readonly running: number;
      readonly completed: number;
      readonly completed_with_failures: number;
      readonly failed: number;
      readonly cancelled: number;
      readonly skipped: number;
    };
    /** Of tenants. */
    readonly percentComplete: number;
    /** ISO 8601, UTC, with milliseconds. */
    readonly startedAt: string;
    readonly completedAt: string | null;
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
