import { type Queryable, rows } from '@rekey/db';
import type { Snapshot } from '../beat.ts';
import { type RotationRow, type RotationView, rotationColumns, toView } from '../rotation-view.ts';
import type { Final } from './states.ts';

export type { Steering } from '../initiator.ts';

/**
 * - `changed`: it is as was asked, by this call.
 * - `unchanged`: it was so before.
 * - `finished`: it has ended, and never changes again.
 */
export type SteeredRotation =
  | ({ readonly kind: 'changed' } & Snapshot)
  | ({ readonly kind: 'unchanged' } & Snapshot)
  | { readonly kind: 'finished'; readonly view: RotationView }
  | { readonly kind: 'not_found' };

/** It is because of a compromised key: it is neither paused nor slowed down. */
export interface NotHeldBack {
  readonly kind: 'not_held_back';
}

/** What a statement that moves it gave back; nothing: it was not in the way to be moved. */
export async function changed(
  on: Queryable,
  rotationId: string,
  [row]: readonly RotationRow[],
): Promise<SteeredRotation> {
  return row === undefined
    ? asItIs(on, rotationId)
    : { kind: 'changed', view: toView(row), version: Number(row.version) };
}

/** `asked`: the end that it was to come to, if it was. */
export async function asItIs(on: Queryable, rotationId: string, asked?: Final): Promise<SteeredRotation> {
  const [row] = await rows<RotationRow>(on, `select ${rotationColumns} from rekey.rotations where id = $1`, [
    rotationId,
  ]);
  if (row === undefined) return { kind: 'not_found' };
  const view = toView(row);
  const mayBeAsked = row.status === 'in_progress' || row.status === 'paused' || row.status === asked;
  return mayBeAsked ? { kind: 'unchanged', view, version: Number(row.version) } : { kind: 'finished', view };
}
