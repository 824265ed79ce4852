import { inTransaction, prepared, row, rows, type Store } from '@rekey/db';
import { drained } from './drained.ts';
import { literals, within } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';

export type ProvedRange =
  | { readonly kind: 'proved' }
  /** So many records on an older DEK are not accounted for: the range needs another pass. */
  | { readonly kind: 'left'; readonly items: number }
  /** Transactions that began before the switch may still write under an older DEK: nothing can be proved yet. */
  | { readonly kind: 'draining' }
  /** The lease is another's. */
  | { readonly kind: 'lost' };

/**
 * Counts what stands in a range on any DEK but the new one, in a statement that also sees that no older one can be
 * written under any more. What is left is what was set aside and still is as it was: the range is proved then, its
 * failures counted by this very statement and no other kept.
 *
 * After the drain the set on older keys only shrinks, ids do not change and the ranges cover everything, so a range
 * once counted zero stays zero: neither a lock nor one snapshot over all ranges is needed.
 */
export async function proveRange(
  store: Store,
  target: Target,
  lease: Lease,
  rotation: { readonly tenantId: string; readonly newKeyNumber: number },
): Promise<ProvedRange> {
  return (await proveEmpty(store, target, lease, rotation))
    ? { kind: 'proved' }
    : proveAllButSetAside(store, target, lease, rotation);
}

/**
 * The usual case in one statement: nothing is left and nothing was set aside in this target. The lease's row is locked
 * before it is changed; the count is of this statement, so of after the switch. The order leaves one index to count by: a
 * table may have one on the tenant alone, and each range would walk through all of the tenant.
 */
async function proveEmpty(
  store: Store,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
): Promise<boolean> {
  const values: unknown[] = [lease.rotationId, lease.target, lease.ordinal, lease.owner, newKeyNumber];
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
     update rekey.rotation_ranges set failed = 0, seen = found.seen, proved_at = clock_timestamp(), owner = null
     from proving, (
       select count(*) filter (where older) as left_over, count(older) as seen from (
         select t.${target.key} <> $5 as older from ${target.table} t where ${within(target, bounds)}
         order by t.${target.tenant}, t.${target.id} offset 0) r) found
     where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4
       and ${drained(bounds.tenant, '$5')}
       and not exists (select from rekey.rotation_failures where rotation_id = $1 and target = $2)
       and found.left_over = 0
     returning 1`,
    values,
  );
  return proved.length === 1;
}

async function proveAllButSetAside(
  store: Store,
  target: Target,
  lease: Lease,
  { tenantId, newKeyNumber }: { readonly tenantId: string; readonly newKeyNumber: number },
): Promise<ProvedRange> {
  return inTransaction(store, async (tx) => {
    const held = await rows(
      tx,
      `select from rekey.rotation_ranges
       where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 for update`,
      [lease.rotationId, lease.target, lease.ordinal, lease.owner],
    );
    if (held.length === 0) return { kind: 'lost' };
    const inRange = within(target, literals(target, tenantId, lease.lower, lease.upper));
    const count = await row<{ left: string; set_aside: string; seen: string; drained: boolean }>(
      tx,
      `select count(*) as left, count(f.record_id) as set_aside,
         (select count(t.${target.key}) from ${target.table} t where ${inRange}) as seen, ${drained('$4::uuid', '$1')} as drained
       from ${target.table} t
       left join rekey.rotation_failures f
         on f.rotation_id = $2 and f.target = $3 and f.record_id = t.${target.id}::text
       where ${inRange} and t.${target.key} <> $1`,
      [newKeyNumber, lease.rotationId, lease.target, tenantId],
    );
    if (!count.drained) return { kind: 'draining' };
    const unaccounted = Number(count.left) - Number(count.set_aside);
    if (unaccounted > 0) return { kind: 'left', items: unaccounted };
    // Overwritten or deleted since it was set aside: it is no failure any more. The cast must not meet the ids of
    // another target, which may be of another type.
    await tx.query(
      `delete from rekey.rotation_failures f
       using (select case when target = $6 then record_id end::${target.idType} as id, record_id
              from rekey.rotation_failures where rotation_id = $5 and target = $6) named
       where f.rotation_id = $5 and f.target = $6 and f.record_id = named.record_id
         and ($2::${target.idType} is null or named.id > $2::${target.idType})
         and ($3::${target.idType} is null or named.id <= $3::${target.idType})
         and not exists (select from ${target.table} t
           where t.${target.id} = named.id and t.${target.tenant} = $1 and t.${target.key} <> $4)`,
      [tenantId, lease.lower, lease.upper, newKeyNumber, lease.rotationId, lease.target],
    );
    await tx.query(
      `with proving as materialized (${proving('$1::uuid')})
       update rekey.rotation_ranges set failed = $5, seen = $6, proved_at = clock_timestamp(), owner = null
       from proving
       where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4`,
      [lease.rotationId, lease.target, lease.ordinal, lease.owner, count.set_aside, count.seen],
    );
    return { kind: 'proved' };
  });
}

/** Says to the guard of the ranges that this statement is the proof of that rotation's range, and no other's. */
function proving(rotation: string): string {
  return `select set_config('rekey.proving', ${rotation}::text, true)`;
}
