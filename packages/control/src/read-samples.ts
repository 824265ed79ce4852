import { type Queryable, rows } from '@rekey/db';
import type { WaitingFor } from './rotation-view.ts';

/** How far a rotation was at a moment. */
export interface Sample {
  readonly at: Date;
  readonly itemsDone: number;
  readonly itemsPerSecond: number;
  readonly waitingFor: WaitingFor | null;
}

/** How far a rotation was when, in order. */
export function readSamples(on: Queryable, rotationId: string): Promise<Sample[]> {
  return rows<Sample>(
    on,
    `select at, items_done::float8 as "itemsDone", items_per_second::float8 as "itemsPerSecond", waiting_for as "waitingFor"
     from rekey.rotation_samples where rotation_id = $1 order by at`,
    [rotationId],
  );
}
