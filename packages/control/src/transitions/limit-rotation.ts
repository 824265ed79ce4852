import { hoursState } from '@rekey/calendar';
import { seconds, silentFor } from '@rekey/data';
import { inTransaction, prepared, type Queryable, row, type Store } from '@rekey/db';
import { leaseMs, type OpenHours } from '@rekey/times';
import { opensAt } from '../open-hours.ts';
import { type RotationRow, rotationColumns, toView } from '../rotation-view.ts';
import type { NotHeldBack, SteeredRotation, Steering } from './steered.ts';

export interface LimitOrder extends Steering {
  /** Records per second over all workers; null: as many as they can; absent: as it is. */
  readonly itemsPerSecondMax?: number | null | undefined;
  /** Outside of which it stands still; null: it never does for that; absent: as they are. */
  readonly windows?: readonly OpenHours[] | null | undefined;
  /** Whether the actor may raise or lift a limit, and change windows, that stand. */
  readonly mayRaise: boolean;
}

/** `not_permitted`: what stands would be raised, lifted or changed by somebody who may not. */
export type LimitedRotation = SteeredRotation | NotHeldBack | { readonly kind: 'not_permitted' };

type Kind = LimitedRotation['kind'];

/** Takes back what was changed before it. */
class Refusal extends Error {
  readonly kind: Exclude<Kind, 'changed' | 'unchanged' | 'finished'>;

  constructor(kind: Refusal['kind']) {
    super(kind);
    this.kind = kind;
  }
}

/**
 * Holds an unfinished rotation back, to so many records per second, to windows, or both: all of it or nothing. Workers read a limit
 * within half a second; windows that are closed take its ranges from them at once.
 */
export async function limitRotation(
  store: Store,
  rotationId: string,
  order: LimitOrder,
): Promise<LimitedRotation> {
  try {
    return await inTransaction(store, async (tx): Promise<LimitedRotation> => {
      const kinds = [await limitSpeed(tx, rotationId, order), await limitHours(tx, rotationId, order)];
      const found = await row<RotationRow>(
        tx,
        `select ${rotationColumns} from rekey.rotations where id = $1`,
        [rotationId],
      );
      const view = toView(found);
      if (kinds.includes('finished')) return { kind: 'finished', view };
      const kind = kinds.includes('changed') ? 'changed' : 'unchanged';
      return { kind, view, version: Number(found.version) };
    });
  } catch (error) {
    if (error instanceof Refusal) return { kind: error.kind };
    throw error;
  }
}

type Standing = Extract<Kind, 'changed' | 'unchanged' | 'finished'>;

function standing(outcome: Kind | 'too_fast'): Standing {
  if (outcome === 'changed' || outcome === 'unchanged' || outcome === 'finished') return outcome;
  throw new Refusal(outcome === 'too_fast' ? 'not_permitted' : outcome);
}

async function limitSpeed(
  tx: Queryable,
  rotationId: string,
  { itemsPerSecondMax, mayRaise, actor, reason }: LimitOrder,
): Promise<Standing> {
  if (itemsPerSecondMax === undefined) return 'unchanged';
  const { outcome } = await row<{ outcome: Kind | 'too_fast' }>(
    tx,
    'select rekey.limit_rotation($1, $2, $3, $4, $5) as outcome',
    [rotationId, itemsPerSecondMax, mayRaise, reason, JSON.stringify(actor)],
  );
  return standing(outcome);
}

async function limitHours(
  tx: Queryable,
  rotationId: string,
  { windows, mayRaise, actor, reason }: LimitOrder,
): Promise<Standing> {
  if (windows === undefined) return 'unchanged';
  const { now } = await row<{ now: Date }>(tx, 'select clock_timestamp() as now');
  const opens = windows === null ? null : opensAt(hoursState(windows, now.getTime()), now);
  const { outcome } = await row<{ outcome: Kind }>(
    tx,
    'select rekey.change_hours($1, $2, $3, $4, $5, $6) as outcome',
    [
      rotationId,
      windows === null ? null : JSON.stringify(windows),
      opens,
      mayRaise,
      reason,
      JSON.stringify(actor),
    ],
  );
  return standing(outcome);
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
