// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List campaigns. */
export const listCampaigns = { method: 'GET', path: '/api/v1/admin/campaigns' } as const;

export type ListCampaignsInput = {
  readonly query?: {
    /** `nextCursor` of the page before. */
    readonly cursor?: string;
    /** Limit (an integer from 1 to 200). */
    readonly limit?: number;
  };
  readonly headers?: {
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type ListCampaignsAnswer = {
  readonly success: true;
  readonly message: 'Campaigns';
  readonly data: {
    readonly campaigns: Array<{
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
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
