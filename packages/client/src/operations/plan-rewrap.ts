// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Say what a rewrap would do. */
export const planRewrap = { method: 'POST', path: '/api/v1/admin/kek/rewrap/plan' } as const;

export type PlanRewrapInput = {
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
  readonly body: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** All tenants' DEKs: only at `*`, or as `super_admin`. */
    readonly all?: true;
    /** As the configuration of workers names it; never a URI. */
    readonly kek: string;
  };
};

export type PlanRewrapAnswer = {
  readonly success: true;
  readonly message: 'KEK rewrap planned';
  readonly data: {
    readonly tenantId: string | null;
    readonly kek: string;
    readonly kekId: string;
    /** DEKs under each KEK. */
    readonly census: Array<{
      readonly kekId: string;
      /** DEKs, by their states. */
      readonly keys: {
        readonly preActive: number;
        readonly active: number;
        readonly deactivated: number;
        readonly compromised: number;
      };
    }>;
    readonly keysToRewrap: number;
    /** That it will take, three for each DEK. */
    readonly kmsCalls: number;
    /** Over all of these DEKs; the same behind the rewrap, unless DEKs came or were destroyed. */
    readonly fingerprint: string;
    /** Live processes that have not proved that KEK: a rewrap is refused while there are any. */
    readonly lacking: Array<{
      readonly processId: string;
      readonly kind: 'worker' | 'vault';
      readonly host: string;
      readonly databaseRole: string;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
