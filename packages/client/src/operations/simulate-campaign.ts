// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Say what a campaign would take, without starting it. */
export const simulateCampaign = { method: 'POST', path: '/api/v1/admin/campaigns/simulate' } as const;

export type SimulateCampaignInput = {
  readonly headers?: {
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
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
  };
};

export type SimulateCampaignAnswer = {
  readonly success: true;
  readonly message: 'Campaign simulated';
  readonly data: {
    /** Whom it would be for, those that it would skip among them. */
    readonly tenantsTotal: number;
    /** Records of those that it would start. */
    readonly itemsTotal: number;
    /** As they stand now: it may be others when their turn comes. */
    readonly skipped: {
      readonly count: number;
      /** The first of them, in the order of their turns. */
      readonly tenants: Array<{
        readonly tenantId: string;
        readonly reason: 'rotation_in_progress' | 'rewrap_in_progress';
        readonly workId: string;
      }>;
    };
    /** From its beginning until the last one has ended. */
    readonly seconds: {
      readonly low: number;
      readonly high: number;
      /** `measured`: from rotations that ended here; `assumed`: of some tenant nothing like it has, so that the range is wide. */
      readonly by: 'measured' | 'assumed';
    };
    /** If it began now, and ran without failures and pauses. Null: it would start nobody for now, for a rotation because of a compromised key. */
    readonly endsAt: {
      /** ISO 8601, UTC, with milliseconds. */
      readonly earliest: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly latest: string;
    } | null;
    readonly assumed: {
      /** Live ones. */
      readonly workers: number;
      /** At the latest end as many run at once as there are workers (one, where there is none); at the earliest as many as `atOnceMax`. */
      readonly atOnce: {
        readonly low: number;
        readonly high: number;
      };
    };
    /** By the campaign alone: that policies rotate keys by themselves meanwhile is left out. Of rewraps none. */
    readonly policyNotKept: {
      /** Tenants whose key may be overdue before their turn has ended. */
      readonly count: number;
      /** Those of them where it is even at the earliest. */
      readonly certain: number;
      /** Those that are overdue first. */
      readonly tenants: Array<{
        readonly tenantId: string;
        /** ISO 8601, UTC, with milliseconds. */
        readonly overdueAt: string;
        readonly endsAt: {
          /** ISO 8601, UTC, with milliseconds. */
          readonly earliest: string;
          /** ISO 8601, UTC, with milliseconds. */
          readonly latest: string;
        };
        readonly certain: boolean;
      }>;
    };
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
