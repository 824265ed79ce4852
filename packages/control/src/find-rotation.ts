import { type Queryable, rows } from '@rekey/db';
import { type RotationRow, type RotationView, rotationColumns, toView } from './rotation-view.ts';

/** The rotation with that id, from one row; null when there is none. */
export async function findRotation(on: Queryable, rotationId: string): Promise<RotationView | null> {
  const [found] = await rows<RotationRow>(
    on,
    `select ${rotationColumns} from rekey.rotations where id = $1`,
    [rotationId],
  );
  return found === undefined ? null : toView(found);
}
