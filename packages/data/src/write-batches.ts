import { prepared, type Queryable } from '@rekey/db';
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
 * The same as {@link writeBatch} for several ranges of one table by one statement, all or nothing; in the same order. It waits
 * for locked records.
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

const known = new WeakMap<Target, string>();

function statement(target: Target): string {
  const made = known.get(target) ?? make(target);
  known.set(target, made);
  return made;
}

/** Each lease is held before anything of its range is written; a record is found by its id, and only its own tenant's. */
function make(target: Target): string {
  const { table, id, idType, key, ciphertext, tenant } = target;
  return `with lease as materialized (
      select l.* from unnest($2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::int[], $7::text[], $8::bigint[]) with ordinality
        l(rotation, ordinal, owner, tenant, key_number, up_to, items, place)
      where rekey.hold_lease(l.rotation, $1, l.ordinal, l.owner)),
    replaced as (
      update ${table} t set ${ciphertext} = w.sealed, ${key} = lease.key_number
      from unnest($9::${idType}[], $10::bytea[], $11::bytea[], $12::int[]) as w(id, seen, sealed, place), lease
      where t.${id} = w.id and w.place = lease.place
        and (t.${tenant} = lease.tenant) is true and ${isAsSeen(target, '$13')}
      returning lease.place, case when t.${key} is distinct from lease.key_number then false
        when t.${ciphertext} = w.sealed then true else rekey.refuse_altered($1) end as taken),
    done as materialized (
      select lease.*, (select count(*) filter (where taken) from replaced r where r.place = lease.place) as replaced
      from lease)
    select place::int as place, replaced,
      rekey.note_batch(rotation, $1, ordinal, owner, replaced, items, up_to, null, null) as noted
    from done`;
}
