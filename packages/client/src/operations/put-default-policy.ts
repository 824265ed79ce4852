// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Replace the default policy. */
export const putDefaultPolicy = { method: 'PUT', path: '/api/v1/admin/policies/default' } as const;

export type PutDefaultPolicyInput = {
  readonly headers?: {
    /** 8-4-4-4-12 hex digits, in either case. */
    readonly 'x-tenantid'?: string;
    /** The authentication realm that issued the token; absent: the default realm. */
    readonly realmname?: string;
    /** The `ETag` of what is to be replaced; `"0"`: there is none. Without it: 428. */
    readonly 'if-match'?: string;
  };
  readonly body: {
    /** A rotation is begun when the active DEK is so old, or up to a tenth of that sooner. Null: never because of its age. */
    readonly rotateEveryDays?: number | null;
    /** A rotation is begun before the active DEK has sealed so often. Null: never because of that. */
    readonly rotateBeforeSeals?: number | null;
    /** DEKs are wrapped anew, by the newest version of their KEK, when that was so long ago, or up to a tenth of that sooner. Null: never by itself. */
    readonly rewrapEveryDays?: number | null;
    /** So long after a DEK went out of use records that are left under it are swept again. Null: not before the next rotation. */
    readonly retireAfterDays?: number | null;
    /** So long after a DEK went out of use its destruction is asked for, under the conditions of every destruction. Null: never by itself. */
    readonly destroyAfterDays?: number | null;
    /** Outside of these nothing is begun and the sweep stands still. Null: at any time. */
    readonly windows?: Array<{
      /** On which it begins. */
      readonly days: Array<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'>;
      readonly from: string;
      /** At or before `from` it is of the next day. */
      readonly to: string;
      /** By its name in the IANA database. */
      readonly timeZone: string;
    }> | null;
    /** What new DEKs are wrapped under. Null: what wraps those of the tenant. */
    readonly kek?: string | null;
    /** What tenants’ policies may say; those put before are brought within them. */
    readonly bounds?: {
      readonly rotateEveryDaysMin?: number;
      readonly rotateEveryDaysMax?: number;
      readonly rotateBeforeSealsMax?: number;
      readonly rewrapEveryDaysMin?: number;
      readonly rewrapEveryDaysMax?: number;
      readonly retireAfterDaysMax?: number;
    };
    /** How many rotations that policies began run at once; 4 if it is not said. */
    readonly rotationsAtOnce?: number;
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type PutDefaultPolicyAnswer = {
  readonly success: true;
  readonly message: 'Key policy' | 'Key policy stored';
  readonly data: {
    /** Also the `ETag`. 0: nobody has put one. */
    readonly version: number;
    readonly putAt: string | null;
    readonly policy: {
      /** A rotation is begun when the active DEK is so old, or up to a tenth of that sooner. Null: never because of its age. */
      readonly rotateEveryDays?: number | null;
      /** A rotation is begun before the active DEK has sealed so often. Null: never because of that. */
      readonly rotateBeforeSeals?: number | null;
      /** DEKs are wrapped anew, by the newest version of their KEK, when that was so long ago, or up to a tenth of that sooner. Null: never by itself. */
      readonly rewrapEveryDays?: number | null;
      /** So long after a DEK went out of use records that are left under it are swept again. Null: not before the next rotation. */
      readonly retireAfterDays?: number | null;
      /** So long after a DEK went out of use its destruction is asked for, under the conditions of every destruction. Null: never by itself. */
      readonly destroyAfterDays?: number | null;
      /** Outside of these nothing is begun and the sweep stands still. Null: at any time. */
      readonly windows?: Array<{
        /** On which it begins. */
        readonly days: Array<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'>;
        readonly from: string;
        /** At or before `from` it is of the next day. */
        readonly to: string;
        /** By its name in the IANA database. */
        readonly timeZone: string;
      }> | null;
      /** What new DEKs are wrapped under. Null: what wraps those of the tenant. */
      readonly kek?: string | null;
      /** What tenants’ policies may say; those put before are brought within them. */
      readonly bounds?: {
        readonly rotateEveryDaysMin?: number;
        readonly rotateEveryDaysMax?: number;
        readonly rotateBeforeSealsMax?: number;
        readonly rewrapEveryDaysMin?: number;
        readonly rewrapEveryDaysMax?: number;
        readonly retireAfterDaysMax?: number;
      };
      /** How many rotations that policies began run at once; 4 if it is not said. */
      readonly rotationsAtOnce?: number;
    };
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
    /** Settings of the installation that protect keys whatever a policy says; changed in the database. */
    readonly protection: {
      readonly destructionGraceSeconds: number;
      readonly destructionUnusedSeconds: number;
      /** Null: nobody has declared how long backups are kept, and so no key is destroyed. */
      readonly backupHorizonSeconds: number | null;
      readonly destructionApprovals: number;
    };
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
