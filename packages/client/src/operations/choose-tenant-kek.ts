// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Choose the KEK of a tenant. */
export const chooseTenantKek = { method: 'PUT', path: '/api/v1/admin/tenants/{tenantId}/kek' } as const;

export type ChooseTenantKekInput = {
  readonly path: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
  readonly body: {
    /** A registered KEK or a template; null: the KEK of the installation. */
    readonly kek: string | null;
    readonly region?: string;
    readonly location?: string;
    readonly ring?: string;
    readonly namespace?: string;
    readonly key?: string;
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type ChooseTenantKekAnswer = {
  readonly success: true;
  readonly message: 'KEK chosen' | 'KEK of the tenant';
  readonly data: {
    readonly tenantId: string;
    /** `pending` until a worker has wrapped and unwrapped with it; `refused`: no attempt mends it, choose again. */
    readonly status: 'pending' | 'active' | 'refused';
    /** As it was chosen; null: the KEK of the installation. */
    readonly kek: string | null;
    /** The free words, as they were filled in. */
    readonly parts: Readonly<Record<string, string>>;
    /** What the last attempt met: a code of a KMS, or `KEK_TAKEN`. */
    readonly trouble: string | null;
    readonly requestedAt: string | null;
    readonly triedAt: string | null;
    /** What the next DEK is wrapped under; null: the KEK of the installation. */
    readonly inUse: {
      readonly kek: string;
      readonly kekId: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly since: string;
    } | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
