import { hoursState } from '@rekey/calendar';
import { inTransaction, row, rows, type Store } from '@rekey/db';
import type { OpenHours } from '@rekey/times';

export interface RenewalRound {
  /** Rewraps that policies began. */
  readonly begun: ReadonlyArray<{ rewrapId: string; tenantId: string; policyVersion: string }>;
  /** DEKs whose wrapping a person is told of, each once. */
  readonly told: ReadonlyArray<{ tenantId: string; dekId: string; level: 'overdue' | 'orphaned' }>;
}

const toldAtOnce = 100;

/**
 * Looks for tenants whose DEKs were wrapped so long ago as their policies say, and begins rewraps: as `policyRound` does for
 * rotations, by whoever holds the same row. Null: it is another's turn.
 */
export function renewalRound(store: Store): Promise<RenewalRound | null> {
  return inTransaction(store, async (tx): Promise<RenewalRound | null> => {
    const { taken } = await row<{ taken: boolean }>(tx, 'select rekey.take_renewal_round() as taken');
    if (!taken) return null;
    const found = await rows<{ windows: OpenHours[]; now: Date }>(
      tx,
      'select windows, clock_timestamp() as now from rekey.renewal_hours() windows',
    );
    const open = found.filter(({ windows, now }) => hoursState(windows, now.getTime()).isOpen);
    const begun = await rows<{ rewrap_id: string; tenant_id: string; policy_version: string }>(
      tx,
      'select rewrap_id, tenant_id, policy_version from rekey.begin_renewals($1)',
      [JSON.stringify(open.map(({ windows }) => windows))],
    );
    const told = await rows<{ tenant_id: string; dek_id: string; level: 'overdue' | 'orphaned' }>(
      tx,
      'select tenant_id, dek_id, level from rekey.note_renewals($1)',
      [toldAtOnce],
    );
    return {
      begun: begun.map((one) => ({
        rewrapId: one.rewrap_id,
        tenantId: one.tenant_id,
        policyVersion: one.policy_version,
      })),
      told: told.map((one) => ({ tenantId: one.tenant_id, dekId: one.dek_id, level: one.level })),
    };
  });
}
