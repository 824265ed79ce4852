import type { PoolClient } from 'pg';
import { inTransaction, rows, type Store } from './open-store.ts';

export interface SwitchDek {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly previousDekId: string | null;
  readonly newDekId: string;
  /** How long new writers may queue behind this switch while it waits for older ones. */
  readonly patienceMs: number;
}

/**
 * The switch: the previous DEK to deactivated, the new one to active, the rotation to its next phase, in one
 * transaction behind the closed gate; or nothing of it. False when this rotation is not the one to switch any more
 * (cancelled, or switched by another worker). Throws `LOCKED` when older writers outlasted the patience: try again.
 */
export async function switchDek(store: Store, order: SwitchDek): Promise<boolean> {
  return inTransaction(
    store,
    async (tx) => {
      await tx.query('select rekey.close_gate($1)', [order.tenantId]);
      const mine = await rows(
        tx,
        `select from rekey.rotations
       where id = $1 and status = 'in_progress' and phase = 'activating' and switched_at is null for update`,
        [order.rotationId],
      );
      if (mine.length === 0) return false;
      if (order.previousDekId !== null) {
        // One that was declared compromised since the call is out of use already.
        await exactlyOne(
          tx,
          `update rekey.deks set state = case state when 'active' then 'deactivated' else state end,
           deactivated_at = coalesce(deactivated_at, now())
         where id = $1 and state in ('active', 'compromised') returning 1`,
          order.previousDekId,
        );
      }
      await exactlyOne(
        tx,
        `update rekey.deks set state = 'active', activated_at = now()
       where id = $1 and state = 'pre_active' returning 1`,
        order.newDekId,
      );
      await tx.query('update rekey.rotations set switched_at = clock_timestamp() where id = $1', [
        order.rotationId,
      ]);
      return true;
    },
    { lockTimeoutMs: order.patienceMs },
  );
}

async function exactlyOne(tx: PoolClient, statement: string, dekId: string): Promise<void> {
  const changed = await rows(tx, statement, [dekId]);
  if (changed.length !== 1)
    throw new Error(`DEK ${dekId} was not in the state that this rotation left it in`);
}
