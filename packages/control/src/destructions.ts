import { type Queryable, row, rows, StoreError } from '@rekey/db';
import type { KeyState } from './keys.ts';
import type { Steering } from './transitions/steered.ts';

export const conditionNames = [
  'out_of_use',
  'drained',
  'no_records',
  'unused',
  'backups',
  'grace',
  'approvals',
] as const;
export type ConditionName = (typeof conditionNames)[number];
export type ConditionState = 'met' | 'unmet' | 'unknown';

/** What must hold before a DEK is destroyed, and what its state rests on. */
export interface DestructionCondition {
  readonly name: ConditionName;
  readonly state: ConditionState;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** How the destruction of a DEK stands, as the database tells it. Times are in ISO 8601, UTC, with microseconds. */
export interface DestructionView {
  readonly dekId: string;
  readonly tenantId: string;
  readonly state: KeyState;
  readonly destroyedAt: string | null;
  readonly materialDeleted: boolean;
  readonly materialVacuumedAt: string | null;
  readonly request: {
    readonly requestId: string;
    /** Null: somebody at the database. */
    readonly realm: string | null;
    readonly subject: string;
    readonly reason: string | null;
    readonly requestedAt: string;
    readonly dueAt: string;
  } | null;
  readonly approvals: ReadonlyArray<{
    readonly realm: string | null;
    readonly subject: string;
    readonly approvedAt: string;
  }>;
  readonly conditions: readonly DestructionCondition[];
}

export async function findDestruction(on: Queryable, keyId: string): Promise<DestructionView | null> {
  const { found } = await row<{ found: DestructionView | null }>(
    on,
    'select rekey.destruction_state($1) as found',
    [keyId],
  );
  return found;
}

/**
 * - `changed`: it is as was asked, by this call.
 * - `unchanged`: it was so before.
 * - `refused`: for these conditions.
 */
export type SteeredDestruction =
  | { readonly kind: 'changed' | 'unchanged' | 'not_found' }
  | {
      readonly kind: 'refused';
      readonly conditions: ReadonlyArray<Pick<DestructionCondition, 'name' | 'state'>>;
    };

type Decision = (on: Queryable, keyId: string, steering: Steering) => Promise<SteeredDestruction>;

/** By one statement: the database decides. */
const decision =
  (sql: string): Decision =>
  async (on, keyId, { actor, reason }) => {
    const { came } = await row<{ came: SteeredDestruction }>(on, sql, [keyId, reason, JSON.stringify(actor)]);
    return came;
  };

/** Asks for a DEK to be destroyed once its grace period is over. */
export const scheduleDestruction = decision('select rekey.schedule_destruction($1, $2, $3) as came');
/** Takes that back, and what was agreed to it. */
export const cancelDestruction = decision('select rekey.cancel_destruction($1, $2, $3) as came');
/** Agrees to it, as the conditions stand. */
export const approveDestruction = decision('select rekey.approve_destruction($1, $2, $3) as came');

/** DEKs whose grace period is over; each once in a minute. */
export async function dueDestructions(on: Queryable, atMost: number): Promise<string[]> {
  const found = await rows<{ id: string }>(on, 'select rekey.due_destructions($1) as id', [atMost]);
  return found.map(({ id }) => id);
}

/**
 * Destroys a DEK with its material, irreversibly: false where a condition does not hold, or is not known, in the transaction
 * that does it; or where it is destroyed already.
 */
export async function destroyKey(on: Queryable, keyId: string): Promise<boolean> {
  try {
    const { destroyed } = await row<{ destroyed: boolean }>(on, 'select rekey.destroy_dek($1) as destroyed', [
      keyId,
    ]);
    return destroyed;
  } catch (error) {
    if (error instanceof StoreError && error.sqlState === 'RK003') return false;
    throw error;
  }
}

/** Has Postgres remove what was deleted from the file of the table, where this role may; else autovacuum does soon. */
export async function vacuumMaterial(on: Queryable): Promise<void> {
  const { may } = await row<{ may: boolean }>(
    on,
    `select pg_has_role(current_user, relowner, 'USAGE') as may from pg_class where oid = to_regclass('rekey.dek_material')`,
  );
  if (may) await rows(on, 'vacuum rekey.dek_material');
}
