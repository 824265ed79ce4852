import { hoursState } from '@rekey/calendar';
import { inTransaction, type Queryable, rows, type Store } from '@rekey/db';
import type { HoursState, OpenHours } from '@rekey/times';
import type { Snapshot } from './beat.ts';
import { type RotationRow, rotationColumns, toView } from './rotation-view.ts';
import { unfinished } from './transitions/states.ts';

const dayMs = 24 * 60 * 60_000;

/** Until when they are closed; null: they are open. Where no opening is foreseen, until tomorrow is over. */
export function opensAt({ isOpen, untilMs }: HoursState, now: Date): Date | null {
  return isOpen ? null : new Date(untilMs ?? (Math.floor(now.getTime() / dayMs) + 2) * dayMs);
}

/** A rotation whose windows closed or opened by this call. */
export interface Turned extends Snapshot {
  readonly isOpen: boolean;
}

/**
 * Closes rotations whose windows are over, and opens those whose windows have come, by the database's clock. Any number of workers
 * may do it at once: each turn is made once.
 */
export async function keepHours(store: Store): Promise<Turned[]> {
  const found = await rows<{ id: string; windows: OpenHours[]; opens_at: Date | null; now: Date }>(
    store,
    `select id, windows, window_opens_at as opens_at, clock_timestamp() as now
     from rekey.rotations where ${unfinished} and windows is not null`,
  );
  const turned: Turned[] = [];
  for (const { id, windows, opens_at: keptAt, now } of found) {
    const until = opensAt(hoursState(windows, now.getTime()), now);
    if (until?.getTime() === keptAt?.getTime()) continue;
    const rotation = await inTransaction(store, (tx) => turn(tx, id, windows, until));
    if (rotation !== undefined)
      turned.push({ view: toView(rotation), version: Number(rotation.version), isOpen: until === null });
  }
  return turned;
}

async function turn(
  tx: Queryable,
  rotationId: string,
  windows: readonly OpenHours[],
  until: Date | null,
): Promise<RotationRow | undefined> {
  const [rotation] = await rows<RotationRow>(
    tx,
    `select ${rotationColumns} from rekey.keep_hours($1, $2, $3)`,
    [rotationId, JSON.stringify(windows), until],
  );
  return rotation;
}
