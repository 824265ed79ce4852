import type { Queryable } from '@rekey/db';
import { prepared } from '@rekey/db';

export interface SwitchDek {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly previousDekId: string | null;
  readonly newDekId: string;
  /** How long new writers may queue behind this switch while it waits for older ones. */
  readonly patienceMs: number;
}

/**
 * The switch: the previous DEK to deactivated, the new one to active, the rotation marked as switched, in one
 * statement behind the closed gate; or nothing of it. False when this rotation is not the one to switch any more
 * (cancelled, or switched by another worker). Throws `LOCKED` when older writers outlasted the patience: try again.
 * Throws `REFUSED` when a DEK is not in the state that this rotation left it in.
 */
export async function switchDek(on: Queryable, order: SwitchDek): Promise<boolean> {
  const [answer] = await prepared<{ switched: boolean }>(
    on,
    'select rekey.switch_dek($1, $2, $3, $4, $5) as switched',
    [order.rotationId, order.tenantId, order.previousDekId, order.newDekId, order.patienceMs],
  );
  return answer?.switched === true;
}
