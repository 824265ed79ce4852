// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Make a tenant. */
export const createTenant = { method: 'POST', path: '/api/v1/admin/tenants' } as const;

export type CreateTenantInput = {
  readonly headers?: {
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** Taken for clients that send one with each POST. The call is idempotent by `tenantId` without. */
    readonly 'idempotency-key'?: string;
  };
  readonly body: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId: string;
    readonly name: string;
  };
};

export type CreateTenantAnswer = {
  readonly success: true;
  readonly message: 'Tenant created';
  readonly data: {
    readonly tenantId: string;
    readonly name: string;
    /** ISO 8601, UTC, with milliseconds. */
    readonly createdAt: string;
    /** The active key; null until a worker has made the first one. */
    readonly keyId: string | null;
    /** The rotation under way, to poll: that which makes the first key, or a later one. */
    readonly rotationId: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
