// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Pause a campaign. */
export const pauseCampaign = { method: 'POST', path: '/api/v1/admin/campaigns/{campaignId}/pause' } as const;

export type PauseCampaignInput = {
  readonly path: {
    /** campaign-<uuid> */
    readonly campaignId: string;
  };
  readonly headers?: {
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
  readonly body?: {
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type PauseCampaignAnswer = {
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
