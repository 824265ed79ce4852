// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Start the rotation of one tenant's data encryption key. */
export const rotateDek = { method: 'POST', path: '/api/v1/admin/dek/rotate' } as const;

export type RotateDekInput = {
  readonly headers: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid': string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** Visible ASCII. The same key, caller and body within 24 hours replays the 200; with another body it gets 422. */
    readonly 'idempotency-key'?: string;
  };
  readonly body: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId: string;
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
    /** A completed plan of this tenant, which no other rotation was started with. */
    readonly planId?: string;
    /** As the configuration of workers names it; never a URI. */
    readonly kek?: string;
    /** The active key is compromised: an ordinary rotation that runs is cancelled and replaced by this one, which comes before all others and is held back by nothing. */
    readonly compromise?: boolean;
  };
};

export type RotateDekAnswer = {
  readonly success: true;
  readonly message: 'DEK rotation initiated successfully';
  readonly data: {
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
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
