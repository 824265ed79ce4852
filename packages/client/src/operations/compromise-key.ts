// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Declare a key compromised. */
export const compromiseKey = { method: 'POST', path: '/api/v1/admin/keys/{keyId}/compromise' } as const;

export type CompromiseKeyInput = {
  readonly path: {
    /** dek-<uuid> */
    readonly keyId: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** Visible ASCII. The same key, caller and body within 24 hours replays the 200; with another body it gets 422. */
    readonly 'idempotency-key'?: string;
  };
  readonly body?: {
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
    /** As the configuration of workers names it; never a URI. */
    readonly kek?: string;
  };
};

export type CompromiseKeyAnswer = {
  readonly success: true;
  readonly message: 'Key declared compromised';
  readonly data: {
    readonly keyId: string;
    readonly tenantId: string;
    readonly state: 'pre_active' | 'active' | 'deactivated' | 'compromised' | 'destroyed';
    /** What replaces an active key; null for one that was out of use. */
    readonly rotation: {
      readonly rotationId: string;
      readonly tenantId: string;
      readonly status: 'in_progress';
      /** Null for a tenant that had no DEK. */
      readonly previousKeyId: string | null;
      readonly newKeyId: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly startedAt: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly estimatedCompletion: string;
      readonly itemsToRotate: {
        readonly credentials: number;
        readonly apiKeys: number;
        readonly secrets: number;
      };
      readonly initiatedBy: {
        /** The `sub` of the token. */
        readonly id: string;
        readonly name: string | null;
        readonly email: string | null;
      };
    } | null;
    /** What still stands under one that was out of use, counted for this call; else null. */
    readonly records: number | null;
    /** Where those stand. */
    readonly targets: Array<{
      readonly target: string;
      readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
      readonly records: number;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
