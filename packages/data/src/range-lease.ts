import { prepared, type Queryable, rows } from '@rekey/db';
import { silentForMs } from './silent.ts';

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

/** How long a silent owner keeps a range, by the database's clock. A batch takes milliseconds. */
export const leaseMs = 8_000;

/** Claims a range of a running rotation; null when it is proved, held by a living owner, or not to be swept. */
export async function claimRange(on: Queryable, range: RangeId, owner: string): Promise<Lease | null> {
  const [claimed] = await prepared<{
    lower_id: string | null;
    upper_id: string | null;
    cursor_id: string | null;
    planned: string;
  }>(
    on,
    // The lock keeps a claim from slipping past a cancel, and does not wait for a beat.
    `with running as (
       select id from rekey.rotations where id = $1 and status = 'in_progress' for key share)
     update rekey.rotation_ranges g set owner = $4, heartbeat_at = clock_timestamp(), waiting_for = null
     from running
     where g.rotation_id = running.id and g.target = $2 and g.ordinal = $3 and g.proved_at is null
       and (g.owner is null or ${silentForMs('$5', 'g.heartbeat_at')})
     returning g.lower_id, g.upper_id, g.cursor_id, g.planned`,
    [range.rotationId, range.target, range.ordinal, owner, leaseMs],
  );
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

/** A sign of life while nothing is written; false when the lease is lost. */
export async function renewLease(on: Queryable, lease: Lease): Promise<boolean> {
  const renewed = await rows(
    on,
    `update rekey.rotation_ranges set heartbeat_at = clock_timestamp()
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 returning 1`,
    [lease.rotationId, lease.target, lease.ordinal, lease.owner],
  );
  return renewed.length === 1;
}

/** Gives a range back for the next worker at once. Harmless when the lease is lost. */
export async function releaseLease(on: Queryable, lease: Lease): Promise<void> {
  await rows(
    on,
    `update rekey.rotation_ranges set owner = null
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4`,
    [lease.rotationId, lease.target, lease.ordinal, lease.owner],
  );
}

/**
 * Gives back a range that is swept to its end and waits for the drain; whoever ends the drain sees to it. False: nothing
 * drains any more, or the lease is lost.
 */
export async function leaveToDrain(on: Queryable, lease: Lease, tenantId: string): Promise<boolean> {
  const left = await rows(
    on,
    `update rekey.rotation_ranges set owner = null, swept = true
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4
       and exists (select from rekey.dek_drains where tenant_id = $5) returning 1`,
    [lease.rotationId, lease.target, lease.ordinal, lease.owner, tenantId],
  );
  return left.length === 1;
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
    `update rekey.rotation_ranges
     set cursor_id = proof_id, swept = false, pass = pass + 1, heartbeat_at = clock_timestamp()
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 returning cursor_id`,
    [lease.rotationId, lease.target, lease.ordinal, lease.owner],
  );
  return restarted === undefined ? null : { cursor: restarted.cursor_id };
}

/** Says what holds the range up, or null: what is said of its rotation follows from all of its ranges. */
export async function noteWaiting(on: Queryable, range: RangeId, waitingFor: string | null): Promise<void> {
  await rows(
    on,
    `update rekey.rotation_ranges set waiting_for = $4
     where rotation_id = $1 and target = $2 and ordinal = $3 and proved_at is null`,
    [range.rotationId, range.target, range.ordinal, waitingFor],
  );
}
