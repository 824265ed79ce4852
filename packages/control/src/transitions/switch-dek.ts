import { prepared, type Queryable } from '@rekey/db';

export interface SwitchDek {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly previousDekId: string | null;
  readonly newDekId: string;
}

/**
 * - `drained`: no record can be written under an older DEK any more.
 * - `draining`: transactions that began before the switch may still do so; nobody waits for them.
 * - `integrity`: nothing was done: something that the proofs rest on is not as it must be.
 * - `not_ours`: nothing was done: this rotation is not the one to switch any more (cancelled, or switched before).
 */
export type Switched = 'drained' | 'draining' | 'integrity' | 'not_ours';

/**
 * The switch: the previous DEK to deactivated, the new one to active, the rotation marked as switched, in one
 * statement; or nothing of it. It waits for no writer. Throws `REFUSED` when a DEK is not in the state that this
 * rotation left it in, `LOCKED` when a session of an earlier version holds the DEK's own row: try again.
 */
export async function switchDek(on: Queryable, order: SwitchDek): Promise<Switched> {
  const [answer] = await prepared<{ switched: Switched }>(
    on,
    'select rekey.switch_to_dek($1, $2, $3, $4) as switched',
    [order.rotationId, order.tenantId, order.previousDekId, order.newDekId],
  );
  return answer?.switched ?? 'not_ours';
}
