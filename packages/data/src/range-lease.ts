import { prepared, type Queryable, row, rows } from '@rekey/db';
import { leaseMs } from '@rekey/times';

export interface RangeId {
  readonly rotationId: string;
  readonly target: string;
  readonly ordinal: number;
}

/** A range that is ours to sweep until we are silent for {@link leaseMs} or the rotation ends. */
export interface Lease extends RangeId {
  /** Made anew for every claim; counts and cursor move only under it. */
  readonly owner: string;
  readonly lower: string | null;
  readonly upper: string | null;
  /** Everything up to here is committed. */
  readonly cursor: string | null;
  readonly planned: number;
}

/** Claims a range of a running rotation; null when it is proved, held by a living owner, or not to be swept. */
export async function claimRange(on: Queryable, range: RangeId, owner: string): Promise<Lease | null> {
  const [claimed] = await prepared<{
    lower_id: string | null;
    upper_id: string | null;
    cursor_id: string | null;
    planned: string;
  }>(on, 'select lower_id, upper_id, cursor_id, planned from rekey.claim_range($1, $2, $3, $4, $5)', [
    range.rotationId,
    range.target,
    range.ordinal,
    owner,
    leaseMs,
  ]);
  if (claimed === undefined) return null;
  return {
    rotationId: range.rotationId,
    target: range.target,
    ordinal: range.ordinal,
    owner,
    lower: claimed.lower_id,
    upper: claimed.upper_id,
    cursor: claimed.cursor_id,
    planned: Number(claimed.planned),
  };
}

/** Renews the lease while nothing is written; false when the lease is lost. */
export async function renewLease(on: Queryable, lease: Lease): Promise<boolean> {
  const { renewed } = await row<{ renewed: boolean }>(
    on,
    'select rekey.renew_lease($1, $2, $3, $4) as renewed',
    keyOf(lease),
  );
  return renewed;
}

/** Gives a range back for the next worker at once. Harmless when the lease is lost. */
export async function releaseLease(on: Queryable, lease: Lease): Promise<void> {
  await rows(on, 'select rekey.release_lease($1, $2, $3, $4)', keyOf(lease));
}

/**
 * Gives back a range that is swept to its end and waits for the drain; whoever ends the drain sees to it. False: nothing
 * drains any more, or the lease is lost.
 */
export async function leaveToDrain(on: Queryable, lease: Lease): Promise<boolean> {
  const { left } = await row<{ left: boolean }>(
    on,
    'select rekey.leave_to_drain($1, $2, $3, $4) as left',
    keyOf(lease),
  );
  return left;
}

/**
 * Back to where the range is proved up to, for another pass over what is left; null when the lease is lost. What is
 * proved stays so.
 */
export async function restartRange(
  on: Queryable,
  lease: Lease,
): Promise<{ readonly cursor: string | null } | null> {
  const [restarted] = await rows<{ cursor_id: string | null }>(
    on,
    'select cursor_id from rekey.restart_range($1, $2, $3, $4)',
    keyOf(lease),
  );
  return restarted === undefined ? null : { cursor: restarted.cursor_id };
}

/**
 * Says what holds the range up, or null: what is said of its rotation follows from all of its ranges. Nothing where the lease is lost:
 * whoever has claimed it since has another say, and nobody would take this one back.
 */
export async function noteWaiting(on: Queryable, lease: Lease, waitingFor: string | null): Promise<void> {
  await rows(on, 'select rekey.note_waiting($1, $2, $3, $5) where rekey.renew_lease($1, $2, $3, $4)', [
    ...keyOf(lease),
    waitingFor,
  ]);
}

function keyOf({ rotationId, target, ordinal, owner }: Lease): unknown[] {
  return [rotationId, target, ordinal, owner];
}
