import { hoursState } from '@rekey/calendar';
import { noItems } from '@rekey/data';
import { inTransaction, type Queryable, row, rows, type Store } from '@rekey/db';
import type { OpenHours } from '@rekey/times';
import { itemsSweptHere } from './work-figures.ts';

export interface PolicyRound {
  /** Rotations that policies began. */
  readonly begun: ReadonlyArray<{ rotationId: string; tenantId: string; policyVersion: string }>;
  /** Active DEKs that a person is told of, each once. */
  readonly told: ReadonlyArray<{ tenantId: string; dekId: string; level: 'overdue' | 'orphaned' }>;
}

const toldAtOnce = 100;

/**
 * Looks for tenants whose time has come by their policies, and begins rotations. One process does so at a time, found by the row
 * that its transaction holds: all of a round is committed, or nothing of it has happened. Null: it is another's turn, or too early.
 */
export function policyRound(store: Store, everyMs: number): Promise<PolicyRound | null> {
  return inTransaction(store, async (tx): Promise<PolicyRound | null> => {
    const { taken } = await row<{ taken: boolean }>(tx, 'select rekey.take_policy_round($1) as taken', [
      everyMs,
    ]);
    if (!taken) return null;
    const found = await rows<{ windows: OpenHours[]; now: Date }>(
      tx,
      'select windows, clock_timestamp() as now from rekey.due_hours() windows',
    );
    const open = found.filter(({ windows, now }) => hoursState(windows, now.getTime()).isOpen);
    const windows = JSON.stringify(open.map((one) => one.windows));
    type Begun = { rotation_id: string; tenant_id: string; policy_version: string };
    // What is left of one goes before the next one, and takes one of the same places.
    const retried = await rows<Begun>(
      tx,
      'select rotation_id, tenant_id, policy_version from rekey.retry_left($1)',
      [windows],
    );
    const due = await rows<Begun>(
      tx,
      'select rotation_id, tenant_id, policy_version from rekey.begin_due($1, $2, $3)',
      [windows, itemsSweptHere, JSON.stringify(noItems())],
    );
    const told = await rows<{ tenant_id: string; dek_id: string; level: 'overdue' | 'orphaned' }>(
      tx,
      'select tenant_id, dek_id, level from rekey.note_standing($1)',
      [toldAtOnce],
    );
    return {
      begun: [...retried, ...due].map((one) => ({
        rotationId: one.rotation_id,
        tenantId: one.tenant_id,
        policyVersion: one.policy_version,
      })),
      told: told.map((one) => ({ tenantId: one.tenant_id, dekId: one.dek_id, level: one.level })),
    };
  });
}

/** What a policy's `destroyAfterDays` came to for one DEK; `isAsked`: its destruction is asked for, else it is tried again or left. */
export interface DestructionByPolicy {
  readonly tenantId: string;
  readonly dekId: string;
  readonly policyVersion: string;
  readonly isAsked: boolean;
}

/** Asks for the destruction of one DEK that has been out of use for as long as its policy says; null: there is none to be tried. */
export async function scheduleByPolicy(on: Queryable): Promise<DestructionByPolicy | null> {
  const [tried] = await rows<{ tenant_id: string; dek_id: string; policy_version: string; asked: boolean }>(
    on,
    'select tenant_id, dek_id, policy_version, asked from rekey.schedule_by_policy()',
  );
  if (tried === undefined) return null;
  const { tenant_id: tenantId, dek_id: dekId, policy_version: policyVersion, asked: isAsked } = tried;
  return { tenantId, dekId, policyVersion, isAsked };
}
