// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** Ask for a key to be destroyed. */
export const scheduleDestruction = { method: 'POST', path: '/api/v1/admin/keys/{keyId}/schedule-destruction' } as const;

export type ScheduleDestructionInput = {
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
  readonly body?: {
    /** Why; kept with the event. No control characters. */
    readonly reason?: string;
  };
};

export type ScheduleDestructionAnswer = {
  readonly success: true;
  readonly message: 'Destruction of a key' | 'Destruction scheduled' | 'Destruction cancelled' | 'Destruction approved';
  readonly data: {
    readonly keyId: string;
    readonly tenantId: string;
    readonly state: 'pre_active' | 'active' | 'deactivated' | 'compromised' | 'destroyed';
    /** Every condition is met. */
    readonly safeToDestroy: boolean;
    /** None of one that is destroyed. */
    readonly conditions: Array<{
      readonly name: 'out_of_use' | 'drained' | 'no_records' | 'unused' | 'backups' | 'grace' | 'approvals';
      /** `unknown` refuses as `unmet` does. */
      readonly state: 'met' | 'unmet' | 'unknown';
      /** What the state rests on; by name. */
      readonly evidence: Readonly<Record<string, unknown>>;
    }>;
    /** Null: nobody has asked for it. */
    readonly request: {
      readonly requestId: string;
      /** Null: at the database, `subject` is the role there. */
      readonly realm: string | null;
      readonly subject: string;
      readonly reason: string | null;
      /** ISO 8601, UTC, with milliseconds. */
      readonly requestedAt: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly dueAt: string;
    } | null;
    /** Also those that count no more; the condition `approvals` says how many do. */
    readonly approvals: Array<{
      /** Null: at the database, `subject` is the role there. */
      readonly realm: string | null;
      readonly subject: string;
      /** ISO 8601, UTC, with milliseconds. */
      readonly approvedAt: string;
    }>;
    readonly destroyedAt: string | null;
    readonly materialDeleted: boolean;
    /** When its table was last vacuumed, where that was after the destruction. */
    readonly materialVacuumedAt: string | null;
  };
  /** ISO 8601, UTC, with milliseconds. */
  readonly timestamp: string;
};
