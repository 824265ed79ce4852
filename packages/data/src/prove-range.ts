import { inTransaction, prepared, type Queryable, row, rows, type Store } from '@rekey/db';
import { drained } from './drained.ts';
import { literals, stepItems as usualStepItems, within } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';

export type ProvedRange =
  | { readonly kind: 'proved' }
  /** A part of it is, for good; the next call goes on behind that. */
  | { readonly kind: 'further' }
  /** So many records on an older DEK are not accounted for: the range needs another pass. */
  | { readonly kind: 'left'; readonly items: number }
  /** Transactions that began before the switch may still write under an older DEK: nothing can be proved yet. */
  | { readonly kind: 'draining' }
  /** The lease is another's. */
  | { readonly kind: 'lost' };

/**
 * Counts what stands in a range on any DEK but the new one, in a statement that also sees that no older one can be
 * written under any more. What is left is what was set aside and still is as it was: the range is proved then, and no
 * other failure kept.
 *
 * After the drain the set on older keys only shrinks, ids do not change and the ranges cover everything, so what was
 * once counted zero stays zero: neither a lock nor one snapshot over all ranges is needed. For the same reason a range
 * that has grown may be counted in steps of a bounded number of records, each with the drain's condition in it, and how
 * far it has come is kept.
 */
export async function proveRange(
  store: Store,
  target: Target,
  lease: Lease,
  rotation: { readonly tenantId: string; readonly newKeyNumber: number },
  stepItems = usualStepItems,
): Promise<ProvedRange> {
  return (await proveEmpty(store, target, lease, rotation, stepItems))
    ? { kind: 'proved' }
    : proveStep(store, target, lease, rotation, stepItems);
}

/**
 * The usual case in one statement: the range is of a usual size, nothing is left and nothing was set aside in it. The lease's row is locked
 * before it is changed; the count is of this statement, so of after the switch. The order leaves one index to count by: a
 * table may have one on the tenant alone, and each range would walk through all of the tenant.
 */
async function proveEmpty(
  store: Store,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
  stepItems: number,
): Promise<boolean> {
  const values: unknown[] = [
    lease.rotationId,
    lease.target,
    lease.ordinal,
    lease.owner,
    newKeyNumber,
    stepItems,
  ];
  const bound = (value: string | null, type: string): string | null =>
    value === null ? null : `$${values.push(value)}::${type}`;
  const bounds = {
    tenant: `$${values.push(tenantId)}::uuid`,
    after: bound(lease.lower, target.idType),
    upTo: bound(lease.upper, target.idType),
  };
  const proved = await prepared(
    store,
    `with proving as materialized (${proving('$1::uuid')})
     update rekey.rotation_ranges
     set failed = 0, seen = counted.seen, proved_at = clock_timestamp(), owner = null, waiting_for = null
     from proving, (
       select count(*) as looked_at, count(older) as seen, count(*) filter (where older) as left_over from (
         select t.${target.key} <> $5 as older from ${target.table} t where ${within(target, bounds)}
         order by t.${target.tenant}, t.${target.id} limit $6::int) r) counted
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4
       and ${drained(bounds.tenant, '$5')}
       and not exists (select from rekey.rotation_failures
         where rotation_id = $1 and target = $2 and (ordinal = $3 or ordinal is null))
       and counted.left_over = 0 and counted.looked_at < $6::int
     returning 1`,
    values,
  );
  return proved.length === 1;
}

/** The next step, from where the last one came to. */
async function proveStep(
  store: Store,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
  stepItems: number,
): Promise<ProvedRange> {
  const range = [lease.rotationId, lease.target, lease.ordinal, lease.owner];
  const [held] = await rows<{ proof_id: string | null }>(
    store,
    `select proof_id from rekey.rotation_ranges
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4`,
    range,
  );
  if (held === undefined) return { kind: 'lost' };
  const from = held.proof_id ?? lease.lower;
  const [edge] = await rows<{ id: string }>(
    store,
    `select t.${target.id}::text as id from ${target.table} t
     where ${within(target, literals(target, tenantId, from, lease.upper))}
     order by t.${target.tenant}, t.${target.id} offset ${stepItems - 1} limit 1`,
  );
  const upTo = edge?.id ?? lease.upper;
  // Whether it was set aside is asked of each record for itself and by the digest of its id alone: left to the planner,
  // a join of tables that nobody has analysed yet took a square of the time.
  const count = await row<{ left: string; set_aside: string; seen: string; drained: boolean }>(
    store,
    `select count(*) as left, count(aside) as set_aside,
       (select count(key) from (select t.${target.key} as key from ${target.table} t
         where ${within(target, literals(target, tenantId, from, upTo))}
         order by t.${target.tenant}, t.${target.id} offset 0) all_of_them) as seen,
       ${drained('$4::uuid', '$1')} as drained from (
       select (select true from rekey.rotation_failures f
         where f.record_hash = rekey.record_hash(t.${target.id}::text)
           and (f.rotation_id = $2) is true and (f.target = $3) is true limit 1) as aside
       from ${target.table} t
       where ${within(target, literals(target, tenantId, from, upTo))} and t.${target.key} <> $1
       order by t.${target.tenant}, t.${target.id} offset 0) counted`,
    [newKeyNumber, lease.rotationId, lease.target, tenantId],
  );
  if (!count.drained) return { kind: 'draining' };
  const unaccounted = Number(count.left) - Number(count.set_aside);
  if (unaccounted > 0) return { kind: 'left', items: unaccounted };
  if (edge === undefined) return conclude(store, target, lease, { tenantId, newKeyNumber }, count.seen);
  const further = await rows(
    store,
    `update rekey.rotation_ranges
     set proof_id = $5, seen = case when proof_id is null then 0 else coalesce(seen, 0) end + $6::bigint,
       heartbeat_at = clock_timestamp()
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 returning 1`,
    [...range, edge.id, count.seen],
  );
  return { kind: further.length === 1 ? 'further' : 'lost' };
}

/** Every step is proved: what was set aside and still stands is counted, and the range marked. */
async function conclude(
  store: Store,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
  seen: string,
): Promise<ProvedRange> {
  return inTransaction(store, async (tx): Promise<ProvedRange> => {
    const range = [lease.rotationId, lease.target, lease.ordinal, lease.owner];
    const held = await rows(
      tx,
      `select from rekey.rotation_ranges
       where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 for update`,
      range,
    );
    if (held.length === 0) return { kind: 'lost' };
    await forgetHealed(tx, target, lease, { tenantId, newKeyNumber });
    const proved = await rows(
      tx,
      `with proving as materialized (${proving('$1::uuid')})
       update rekey.rotation_ranges g
       set failed = (select count(*) from rekey.rotation_failures f
           where f.rotation_id = $1 and f.target = $2 and f.ordinal = $3),
         seen = case when g.proof_id is null then 0 else coalesce(g.seen, 0) end + $7::bigint,
         proved_at = clock_timestamp(), owner = null, waiting_for = null
       from proving
       where g.rotation_id = $1 and g.target = $2 and g.ordinal = $3 and g.owner = $4 and ${drained('$5::uuid', '$6')}
       returning 1`,
      [...range, tenantId, newKeyNumber, seen],
    );
    return { kind: proved.length === 1 ? 'proved' : 'draining' };
  });
}

/**
 * What was overwritten or deleted since it was set aside is no failure any more. What an earlier version set aside
 * without its range is taken for one of this range where it stands in it.
 */
async function forgetHealed(
  tx: Queryable,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
): Promise<void> {
  const values = [lease.rotationId, lease.target, lease.ordinal, tenantId, newKeyNumber];
  // The cast must not meet the ids of another target, which may be of another type.
  const stands = (inRange: string): string => `(select true from ${target.table} t
    where t.${target.id} = case when f.target = $2 then f.record_id end::${target.idType}
      and (t.${target.tenant} = $4) is true and t.${target.key} <> $5 ${inRange} limit 1)`;
  for (const ordinal of ['f.ordinal = $3', '$3::int is not null and f.ordinal is null']) {
    await rows(
      tx,
      `delete from rekey.rotation_failures f
       where f.rotation_id = $1 and f.target = $2 and ${ordinal} and ${stands('')} is null`,
      values,
    );
  }
  await rows(
    tx,
    `update rekey.rotation_failures f set ordinal = $3
     where f.rotation_id = $1 and f.target = $2 and f.ordinal is null
       and ${stands(`and ${within(target, literals(target, tenantId, lease.lower, lease.upper))}`)}`,
    values,
  );
}

/** Says to the guard of the ranges that this statement is the proof of that rotation's range, and no other's. */
function proving(rotation: string): string {
  return `select set_config('rekey.proving', ${rotation}::text, true)`;
}
