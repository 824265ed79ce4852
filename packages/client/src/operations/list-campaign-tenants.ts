// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List the tenants of a campaign. */
export const listCampaignTenants = { method: 'GET', path: '/api/v1/admin/campaigns/{campaignId}/tenants' } as const;

export type ListCampaignTenantsInput = {
  readonly path: {
    /** campaign-<uuid> */
    readonly campaignId: string;
  };
  readonly query?: {
    /** State (waiting, running, completed, completed_with_failures, failed, cancelled, skipped). */
    readonly state?: 'waiting' | 'running' | 'completed' | 'completed_with_failures' | 'failed' | 'cancelled' | 'skipped';
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

export type ListCampaignTenantsAnswer = {
  readonly success: true;
  readonly message: 'Tenants of the campaign';
  readonly data: {
    readonly tenants: Array<{
      readonly tenantId: string;
      /** In which order they are started. */
      readonly position: number;
      /** Records, counted when the campaign began. */
      readonly items: number;
      readonly state: 'waiting' | 'running' | 'completed' | 'completed_with_failures' | 'failed' | 'cancelled' | 'skipped';
      readonly canary: boolean;
      /** The rotation or rewrap that was started for it, or was in its way. */
      readonly workId: string | null;
      /** Why it was skipped or failed, such as `rotation_in_progress`. */
      readonly reason: string | null;
      readonly startedAt: string | null;
      readonly endedAt: string | null;
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
