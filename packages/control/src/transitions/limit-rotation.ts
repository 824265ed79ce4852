import { seconds, silentFor } from '@rekey/data';
import { inTransaction, prepared, type Queryable, row, type Store } from '@rekey/db';
import { leaseMs } from '@rekey/times';
import { type RotationRow, rotationColumns, toView } from '../rotation-view.ts';
import type { NotHeldBack, SteeredRotation, Steering } from './steered.ts';

export interface LimitOrder extends Steering {
  /** Records per second over all workers; null: as many as they can. */
  readonly itemsPerSecondMax: number | null;
  /** Whether the actor may raise or lift a limit that stands. */
  readonly mayRaise: boolean;
}

/** `too_fast`: it would be raised or lifted by somebody who may not. */
export type LimitedRotation = SteeredRotation | NotHeldBack | { readonly kind: 'too_fast' };

/** Holds an unfinished rotation back to so many records per second. Workers read it within half a second. */
export function limitRotation(
  store: Store,
  rotationId: string,
  { itemsPerSecondMax, mayRaise, actor, reason }: LimitOrder,
): Promise<LimitedRotation> {
  return inTransaction(store, async (tx): Promise<LimitedRotation> => {
    const { outcome } = await row<{ outcome: LimitedRotation['kind'] }>(
      tx,
      'select rekey.limit_rotation($1, $2, $3, $4, $5) as outcome',
      [rotationId, itemsPerSecondMax, mayRaise, reason, JSON.stringify(actor)],
    );
    if (outcome === 'not_found' || outcome === 'too_fast' || outcome === 'not_held_back')
      return { kind: outcome };
    const found = await row<RotationRow>(tx, `select ${rotationColumns} from rekey.rotations where id = $1`, [
      rotationId,
    ]);
    const view = toView(found);
    return outcome === 'finished'
      ? { kind: outcome, view }
      : { kind: outcome, view, version: Number(found.version) };
  });
}

/** What a rotation is held back to, and this process' part of it: of the ranges at work, those under its owners. */
export interface SpeedLimitRead {
  readonly itemsPerSecondMax: number | null;
  readonly part: number;
}

/** Null: it does not run. */
export async function readSpeedLimit(
  on: Queryable,
  rotationId: string,
  owners: readonly string[],
): Promise<SpeedLimitRead | null> {
  const [found] = await prepared<{ items_per_second_max: number | null; own: number; working: number }>(
    on,
    `select r.items_per_second_max, count(g.owner) filter (where g.owner = any ($2::uuid[]))::int as own,
       count(g.owner)::int as working
     from rekey.rotations r left join rekey.rotation_ranges g on g.rotation_id = r.id and r.items_per_second_max is not null
       and g.proved_at is null and g.owner is not null
       and (g.owner = any ($2::uuid[]) or not ${silentFor(seconds(leaseMs), 'g.heartbeat_at')})
     where r.id = $1 and r.status = 'in_progress' group by r.id`,
    [rotationId, owners],
  );
  if (found === undefined) return null;
  const { items_per_second_max: itemsPerSecondMax, own, working } = found;
  return { itemsPerSecondMax, part: own === 0 ? 1 / (working + 1) : own / working };
}
