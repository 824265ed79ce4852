// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** List key encryption keys. */
export const listKeks = { method: 'GET', path: '/api/v1/admin/keks' } as const;

export type ListKeksInput = {
  readonly query?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly tenantId?: string;
  };
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
  };
};

export type ListKeksAnswer = {
  readonly success: true;
  readonly message: 'Key encryption keys';
  readonly data: {
    readonly keks: Array<{
      /** Null: no configuration names it, and so nothing can be brought under it. */
      readonly name: string | null;
      /** Which KEK it is, wherever it is by now. */
      readonly kekId: string;
      /** As `local` or `aws-kms`. */
      readonly provider: string;
      readonly registeredAt: string | null;
      /** DEKs, by their states. */
      readonly keys: {
        readonly preActive: number;
        readonly active: number;
        readonly deactivated: number;
        readonly compromised: number;
      };
      /** Live workers that have wrapped and unwrapped with it. */
      readonly workers: number;
      /** Live vaults that have. */
      readonly vaults: number;
      /** Those processes; empty for who is bound to a tenant. */
      readonly processes: Array<{
        readonly processId: string;
        readonly kind: 'worker' | 'vault';
        readonly host: string;
        /** ISO 8601, UTC, with milliseconds. */
        readonly provedAt: string;
      }>;
    }>;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
