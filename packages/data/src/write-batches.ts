import { hurried, prepared, type Queryable } from '@rekey/db';
import { joinArrays } from './pg-binary.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';
import { type Batch, isAsSeen } from './write-batch.ts';

/** A batch of a range that sets nothing aside, and whose it is. */
export interface OwnBatch {
  readonly lease: Lease;
  readonly batch: Batch;
}

/**
 * What writers of several tenants would wait for while it waits for something else, in milliseconds: for a lock that a trigger
 * of the application takes, say. Then each goes by itself.
 */
const waitsMs = 5;

/**
 * The same as {@link writeBatch} for several ranges of one table by one statement, all or nothing; in the same order. It waits
 * for no record: what is locked is left out, stays on its older key, and is found there by the proof.
 */
export async function writeBatches(
  on: Queryable,
  target: Target,
  all: readonly OwnBatch[],
): Promise<Array<number | null>> {
  const arrays = all.map(({ batch: { replacements } }) => replacements.arrays());
  const [ids, seen, sealed] = [0, 1, 2].map((part) => joinArrays(arrays.map((one) => one[part] as Buffer)));
  const written = await prepared<{ place: number; replaced: string }>(on, statement(target), [
    target.name,
    all.map(({ lease }) => lease.rotationId),
    all.map(({ lease }) => lease.ordinal),
    all.map(({ lease }) => lease.owner),
    all.map(({ batch }) => batch.tenantId),
    all.map(({ batch }) => batch.newKeyNumber),
    all.map(({ batch }) => batch.cursor),
    all.map(({ batch }) => batch.replacements.items),
    ids,
    seen,
    sealed,
    all.flatMap(({ batch }, place) => Array.from({ length: batch.replacements.items }, () => place + 1)),
    all[0]?.batch.replacements.identityBytes,
  ]);
  return all.map((_, i) => {
    const found = written.find(({ place }) => place === i + 1);
    return found === undefined ? null : Number(found.replaced);
  });
}

/** What is said of each lease. */
const leases = ['uuid', 'int', 'uuid', 'uuid', 'int', 'text', 'bigint'].map(
  (type, i) => `$${i + 2}::${type}[]`,
);

const known = new WeakMap<Target, string>();

function statement(target: Target): string {
  const made = known.get(target) ?? make(target);
  known.set(target, made);
  return made;
}

/**
 * All leases are held before a record is, so that who waits for one of those keeps no record from anybody. A record is found by
 * its id, and only its own tenant's; the comparison stands in the outermost WHERE as well, as in {@link writeBatch}.
 */
function make(target: Target): string {
  const { table, id, idType, key, ciphertext, tenant } = target;
  const isTenants = `(t.${tenant} = w.tenant) is true`;
  return `with lease as materialized (
      select l.* from ${hurried(leases, 'with ordinality l(rotation, ordinal, owner, tenant, key_number, up_to, items, place)', waitsMs)}
      where rekey.hold_lease(l.rotation, $1, l.ordinal, l.owner)),
    w as materialized (
      select w.*, lease.tenant, lease.key_number
      from unnest($9::${idType}[], $10::bytea[], $11::bytea[], $12::int[]) as w(id, seen, sealed, place)
        join lease on lease.place = w.place),
    free as materialized (
      select w.* from w join ${table} t on t.${id} = w.id
      where (select count(*) from lease) > 0 and ${isTenants} and ${isAsSeen(target, '$13')}
      for no key update of t skip locked),
    replaced as (
      update ${table} t set ${ciphertext} = w.sealed, ${key} = w.key_number
      from free w where t.${id} = w.id and ${isTenants} and ${isAsSeen(target, '$13')}
      returning w.place, case when t.${key} is distinct from w.key_number then false
        when t.${ciphertext} = w.sealed then true else rekey.refuse_altered($1) end as taken),
    done as materialized (
      select lease.*, (select count(*) filter (where taken) from replaced r where r.place = lease.place) as replaced
      from lease)
    select place::int as place, replaced,
      rekey.note_batch(rotation, $1, ordinal, owner, replaced, items, up_to, null, null) as noted
    from done`;
}
