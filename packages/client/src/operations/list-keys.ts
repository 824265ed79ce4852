// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List keys. */
export const listKeys = { method: 'GET', path: '/api/v1/admin/keys' } as const;

export type ListKeysInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
    /** State (pre_active, active, deactivated, compromised or destroyed). */
    readonly state?: 'pre_active' | 'active' | 'deactivated' | 'compromised' | 'destroyed';
    /** Those that are wrapped under it. */
    readonly kekId?: string;
    /** `nextCursor` of the page before. */
    readonly cursor?: string;
    /** Limit (an integer from 1 to 200). */
    readonly limit?: number;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type ListKeysAnswer = {
  readonly success: true;
  readonly message: 'Keys';
  readonly data: {
    readonly keys: Array<{
      readonly keyId: string;
      readonly tenantId: string;
      /** Among the tenant's, and in its ciphertexts. */
      readonly keyNumber: number;
      readonly state: 'pre_active' | 'active' | 'deactivated' | 'compromised' | 'destroyed';
      /** Out of use, and held by transactions that began before. */
      readonly draining: boolean;
      /** Since it was made. */
      readonly ageSeconds: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly createdAt: string;
      /** From when on it sealed. */
      readonly activatedAt: string | null;
      /** From when on nothing new was sealed under it. */
      readonly deactivatedAt: string | null;
      /** From when on nobody can open anything with it. */
      readonly destroyedAt: string | null;
      /** What it is wrapped under; null without material. */
      readonly kekId: string | null;
      /** How often it was wrapped. */
      readonly wrapVersion: number | null;
      /** When last. */
      readonly wrappedAt: string | null;
      /** How many stand under it, counted now; null in a list over all tenants. */
      readonly records: number | null;
      /** Of the tenant's records. */
      readonly share: number | null;
      /** Reserved by vaults and made by rotations. */
      readonly seals: number;
      readonly sealsMax: 4294967296;
      /** As workers and vaults report it. */
      readonly lastUsedAt: string | null;
      /** Workers and vaults that have used it and are `live` in the list of processes: one that was killed counts until it is silent. */
      readonly processes: number;
      /** When its grace period is over, where somebody asked for its destruction. */
      readonly destructionDueAt: string | null;
    }>;
    /** Null on the last page. */
    readonly nextCursor: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
