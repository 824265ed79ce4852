// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Say what a key opens, and who has used it. */
export const getBlastRadius = { method: 'GET', path: '/api/v1/admin/keys/{keyId}/blast-radius' } as const;

export type GetBlastRadiusInput = {
  readonly path: {
    /** dek-<uuid> */
    readonly keyId: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type GetBlastRadiusAnswer = {
  readonly success: true;
  readonly message: 'Blast radius of a key';
  readonly data: {
    readonly keyId: string;
    readonly tenantId: string;
    readonly state: 'pre_active' | 'active' | 'deactivated' | 'compromised' | 'destroyed';
    readonly records: number;
    /** Where its records stand, counted now. */
    readonly targets: Array<{
      readonly target: string;
      readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
      readonly records: number;
    }>;
    /** What was ever sealed under it, at most. */
    readonly seals: number;
    /** The span in which records were sealed under it began, */
    readonly activatedAt: string | null;
    /** and ended. */
    readonly deactivatedAt: string | null;
    /** As workers and vaults report it. */
    readonly lastUsedAt: string | null;
    /** Who has used it, the latest first; not those forgotten since. */
    readonly processes: Array<{
      readonly processId: string;
      readonly kind: 'worker' | 'vault';
      readonly state: 'live' | 'silent' | 'ended';
      readonly host: string;
      readonly databaseRole: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly usedSince: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly lastUsedAt: string;
    }>;
    readonly backups: {
      readonly state: 'unknown';
      readonly detail: string;
    };
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
