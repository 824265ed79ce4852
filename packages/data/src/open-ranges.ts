import { type Queryable, rows } from '@rekey/db';
import type { Lease, RangeId } from './range-lease.ts';

/** A range that is not proved yet. */
export interface OpenRange extends RangeId {
  readonly planned: number;
  /** Of a range that is ours already; null: to be claimed. */
  readonly lease: Lease | null;
}

/** The ranges that are not proved yet, by ordinal, so that the first of every target come first. */
export async function openRanges(
  on: Queryable,
  rotationId: string,
  owner: string | null = null,
): Promise<OpenRange[]> {
  const found = await rows<RangeRow>(
    on,
    `select ${rangeColumns} from rekey.rotation_ranges
     where rotation_id = $1 and proved_at is null order by ordinal, target`,
    [rotationId],
  );
  return found.map((range) => toOpenRange(rotationId, range, owner));
}

/** A row of `rekey.rotation_ranges` as {@link rangeColumns} selects it. */
export interface RangeRow {
  readonly target: string;
  readonly ordinal: number;
  readonly planned: string;
  readonly owner: string | null;
  readonly lower_id: string | null;
  readonly upper_id: string | null;
  readonly cursor_id: string | null;
}

export const rangeColumns = 'target, ordinal, planned, owner, lower_id, upper_id, cursor_id';

export function toOpenRange(rotationId: string, range: RangeRow, owner: string | null): OpenRange {
  const { target, ordinal, lower_id: lower, upper_id: upper, cursor_id: cursor } = range;
  const planned = Number(range.planned);
  const isOurs = owner !== null && range.owner === owner;
  return {
    rotationId,
    target,
    ordinal,
    planned,
    lease: isOurs ? { rotationId, target, ordinal, owner, lower, upper, cursor, planned } : null,
  };
}
