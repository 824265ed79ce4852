import { prepared, type Queryable } from '@rekey/db';
import type { Snapshot } from './beat.ts';
import { type RotationRow, rotationColumns, toView } from './rotation-view.ts';

/** A snapshot, and what {@link findMarks} says of its row for as long as nobody has written it since. */
export interface MarkedSnapshot extends Snapshot {
  readonly mark: string;
}

/**
 * Names one version of a row: which transaction wrote it, and where it stands. A database that was brought back may count its
 * transactions from there again, so that what it says of its end belongs to it.
 */
const markColumn = `concat_ws(' ', xmin, ctid, version, extract(epoch from completed_at)) as mark`;

/** Those of the rotations that there are, by one statement. */
export async function findSnapshots(
  on: Queryable,
  rotationIds: readonly string[],
): Promise<MarkedSnapshot[]> {
  const found = await prepared<RotationRow & { readonly mark: string }>(
    on,
    `select ${rotationColumns}, ${markColumn} from rekey.rotations where id = any ($1::uuid[])`,
    [rotationIds],
  );
  return found.map((row) => ({ view: toView(row), version: Number(row.version), mark: row.mark }));
}

/** Of those of the rotations that there are which version of its row stands there now. */
export async function findMarks(
  on: Queryable,
  rotationIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await prepared<{ readonly id: string; readonly mark: string }>(
    on,
    `select id, ${markColumn} from rekey.rotations where id = any ($1::uuid[])`,
    [rotationIds],
  );
  return new Map(found.map(({ id, mark }) => [id, mark]));
}
