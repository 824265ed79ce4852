import { hoursState } from '@rekey/calendar';
import { inTransaction, rows, type Store } from '@rekey/db';
import type { HoursState, OpenHours } from '@rekey/times';
import type { Snapshot } from './beat.ts';
import { type RotationRow, rotationColumns, toView } from './rotation-view.ts';
import { unfinished } from './transitions/states.ts';

const dayMs = 24 * 60 * 60_000;

/** Until when they are closed; null: they are open. Where no opening is foreseen, until tomorrow is over. */
export function opensAt({ isOpen, untilMs }: HoursState, now: Date): Date | null {
  return isOpen ? null : new Date(untilMs ?? (Math.floor(now.getTime() / dayMs) + 2) * dayMs);
}

/** A rotation whose windows are closed or open other than it is kept. */
export interface HoursDue {
  readonly rotationId: string;
  readonly windows: readonly OpenHours[];
  /** Null: they are open. */
  readonly opensAt: Date | null;
}

/** A rotation whose windows closed or opened by this call. */
export interface Turned extends Snapshot {
  readonly isOpen: boolean;
}

/** Rotations whose windows are over, and those whose windows have come, by the database's clock. */
export async function findHoursDue(store: Store): Promise<HoursDue[]> {
  const found = await rows<{ id: string; windows: OpenHours[]; opens_at: Date | null; now: Date }>(
    store,
    `select id, windows, window_opens_at as opens_at, clock_timestamp() as now
     from rekey.rotations where ${unfinished} and windows is not null`,
  );
  return found.flatMap(({ id, windows, opens_at: keptAt, now }) => {
    const until = opensAt(hoursState(windows, now.getTime()), now);
    return until?.getTime() === keptAt?.getTime() ? [] : [{ rotationId: id, windows, opensAt: until }];
  });
}

/**
 * Closes or opens one of them; closing waits less than a second for its batches that are committing. Any number of workers may do it at once: each
 * turn is made once. Null: somebody else has made it, or it has other windows by now.
 */
export async function settleHours(
  store: Store,
  { rotationId, windows, opensAt: until }: HoursDue,
): Promise<Turned | null> {
  const [rotation] = await inTransaction(store, (tx) =>
    rows<RotationRow>(tx, `select ${rotationColumns} from rekey.keep_hours($1, $2, $3)`, [
      rotationId,
      JSON.stringify(windows),
      until,
    ]),
  );
  return rotation === undefined
    ? null
    : { view: toView(rotation), version: Number(rotation.version), isOpen: until === null };
}
