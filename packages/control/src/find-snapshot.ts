import { prepared, type Queryable } from '@rekey/db';
import type { Snapshot } from './beat.ts';
import { type RotationRow, rotationColumns, toView } from './rotation-view.ts';

/** The rotation with that id, from one row, with its version; null when there is none. */
export async function findSnapshot(on: Queryable, rotationId: string): Promise<Snapshot | null> {
  const [found] = await prepared<RotationRow>(
    on,
    `select ${rotationColumns} from rekey.rotations where id = $1`,
    [rotationId],
  );
  return found === undefined ? null : { view: toView(found), version: Number(found.version) };
}
