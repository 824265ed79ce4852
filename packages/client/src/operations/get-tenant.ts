// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Say how a tenant stands. */
export const getTenant = { method: 'GET', path: '/api/v1/admin/tenants/{tenantId}' } as const;

export type GetTenantInput = {
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
};

export type GetTenantAnswer = {
  readonly success: true;
  readonly message: 'Tenant';
  readonly data: {
    readonly tenantId: string;
    readonly name: string;
    /** ISO 8601, UTC, with milliseconds. */
    readonly createdAt: string;
    /** Null: it has none yet. */
    readonly activeKey: {
      readonly keyId: string;
      readonly keyNumber: number;
      /** ISO 8601, UTC, with milliseconds. */
      readonly activatedAt: string;
      /** Since it became active. */
      readonly ageSeconds: number;
      readonly seals: number;
      readonly sealsMax: number;
      /** What it is wrapped under. */
      readonly kek: {
        /** Null: no configuration names it. */
        readonly name: string | null;
        readonly kekId: string;
        /** How often the DEK was wrapped. */
        readonly wrapVersion: number;
        /** ISO 8601, UTC, with milliseconds. */
        readonly wrappedAt: string;
      } | null;
    } | null;
    /** DEKs that are not destroyed, by their states. */
    readonly keys: {
      readonly pre_active: number;
      readonly active: number;
      readonly deactivated: number;
      readonly compromised: number;
    };
    /** Counted for this call: a second or so for each million records. */
    readonly coverage: {
      readonly records: number;
      readonly underActiveKey: number;
      /** Of no records: 1. */
      readonly share: number;
    };
    readonly policy: {
      /** Of its own. 0: nobody has put one. */
      readonly version: number;
      readonly defaultVersion: number;
      /** What holds. */
      readonly effective: {
        /** A rotation is begun when the active DEK is so old, or up to a tenth of that sooner. Null: never because of its age. */
        readonly rotateEveryDays: number | null;
        /** A rotation is begun before the active DEK has sealed so often. Null: never because of that. */
        readonly rotateBeforeSeals: number | null;
        /** DEKs are wrapped anew, by the newest version of their KEK, when that was so long ago, or up to a tenth of that sooner. Null: never by itself. */
        readonly rewrapEveryDays: number | null;
        /** So long after a DEK went out of use records that are left under it are swept again. Null: not before the next rotation. */
        readonly retireAfterDays: number | null;
        /** So long after a DEK went out of use its destruction is asked for, under the conditions of every destruction. Null: never by itself. */
        readonly destroyAfterDays: number | null;
        /** Outside of these nothing is begun and the sweep stands still. Null: at any time. */
        readonly windows: Array<{
          /** On which it begins. */
          readonly days: Array<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'>;
          readonly from: string;
          /** At or before `from` it is of the next day. */
          readonly to: string;
          /** By its name in the IANA database. */
          readonly timeZone: string;
        }> | null;
        /** What new DEKs are wrapped under. Null: what wraps those of the tenant. */
        readonly kek: string | null;
      };
      /** By whose word each field holds. `bounds`: its own says something else, which was brought within what the default admits. */
      readonly source: {
        readonly rotateEveryDays: 'tenant' | 'default' | 'bounds';
        readonly rotateBeforeSeals: 'tenant' | 'default' | 'bounds';
        readonly rewrapEveryDays: 'tenant' | 'default' | 'bounds';
        readonly retireAfterDays: 'tenant' | 'default' | 'bounds';
        readonly destroyAfterDays: 'tenant' | 'default' | 'bounds';
        readonly windows: 'tenant' | 'default' | 'bounds';
        readonly kek: 'tenant' | 'default' | 'bounds';
      };
    };
    /** How the active DEK stands by that now. Null: nothing says when it is to be rotated, or there is none. */
    readonly standing: {
      /** `orphaned`: tries keep ending without a switch, or records were left behind; a person must act. */
      readonly level: 'fresh' | 'due' | 'overdue' | 'orphaned';
      /** Null: no age makes it due. */
      readonly dueAt: string | null;
      readonly overdueAt: string | null;
      /** In a row that ended without a switch. */
      readonly tries: number;
      /** When the last of these ended. */
      readonly triedAt: string | null;
    } | null;
    /** Of the DEK that was wrapped the longest ago. Null: nothing says when it is to be rewrapped, or there is none. */
    readonly wrapping: {
      /** `orphaned`: tries to make it anew keep ending otherwise than well; a person must act. */
      readonly level: 'fresh' | 'due' | 'overdue' | 'orphaned';
      /** ISO 8601, UTC, with milliseconds. */
      readonly wrappedAt: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly dueAt: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly overdueAt: string;
      /** By policies, since then, that did not end well. */
      readonly tries: number;
      /** When the last of these ended. */
      readonly triedAt: string | null;
    } | null;
    /** The one that is unfinished. */
    readonly rotation: {
      readonly rotationId: string;
      readonly status: 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'failed' | 'cancelled';
      readonly phase: 'queued' | 'activating' | 'sweeping' | 'verifying' | 'done';
    } | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
