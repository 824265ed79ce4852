import type { Queryable } from '@rekey/db';
import { findSnapshot } from './find-snapshot.ts';
import type { RotationView } from './rotation-view.ts';

/** The rotation with that id, from one row; null when there is none. */
export async function findRotation(on: Queryable, rotationId: string): Promise<RotationView | null> {
  return (await findSnapshot(on, rotationId))?.view ?? null;
}
