import { hurried, prepared, type Queryable } from '@rekey/db';
import { escapeLiteral } from 'pg';
import { byTarget, definitionOf } from './by-target.ts';
import { joinArrays } from './pg-binary.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';
import { type Batch, isAsSeen } from './write-batch.ts';

/** A batch of a range that sets nothing aside, and whose it is. */
export interface OwnBatch {
  readonly target: Target;
  readonly lease: Lease;
  readonly batch: Batch;
}

/**
 * What writers of several tenants would wait for while it waits for something else, in milliseconds: for a lock that a trigger
 * of the application takes, say. Then each goes by itself.
 */
const waitsMs = 5;

/**
 * The same as {@link writeBatch} for several ranges, of whatever tables, by one statement, all or nothing; in the same order. It
 * waits for no record: what is locked is left out, stays on its older key, and is found there by the proof.
 */
export async function writeBatches(on: Queryable, all: readonly OwnBatch[]): Promise<Array<number | null>> {
  const tables = byTarget(all);
  const written = await prepared<{ place: number; replaced: string }>(
    on,
    statement(tables.map(({ target }) => target)),
    [
      all.map(({ target }) => target.name),
      all.map(({ lease }) => lease.rotationId),
      all.map(({ lease }) => lease.ordinal),
      all.map(({ lease }) => lease.owner),
      all.map(({ batch }) => batch.tenantId),
      all.map(({ batch }) => batch.newKeyNumber),
      all.map(({ batch }) => batch.cursor),
      all.map(({ batch }) => batch.replacements.items),
      ...tables.flatMap(({ orders }) => {
        const arrays = orders.map(({ batch }) => batch.replacements.arrays());
        return [
          ...[0, 1, 2].map((part) => joinArrays(arrays.map((one) => one[part] as Buffer))),
          orders.flatMap(({ batch, place }) =>
            Array.from({ length: batch.replacements.items }, () => place + 1),
          ),
          orders[0]?.batch.replacements.identityBytes,
        ];
      }),
    ],
  );
  return all.map((_, i) => {
    const found = written.find(({ place }) => place === i + 1);
    return found === undefined ? null : Number(found.replaced);
  });
}

/** What is said of each lease. */
const leases = ['text', 'uuid', 'int', 'uuid', 'uuid', 'int', 'text', 'bigint'].map(
  (type, i) => `$${i + 1}::${type}[]`,
);

const known = new Map<string, string>();

function statement(targets: readonly Target[]): string {
  const definitions = targets.map(definitionOf).join();
  const made = known.get(definitions) ?? make(targets);
  if (known.size >= 1_000) known.clear(); // tables that were renamed and registered anew
  known.set(definitions, made);
  return made;
}

/**
 * All leases are held before a record is, so that who waits for one of those keeps no record from anybody. A record is found by
 * its id, and only its own tenant's; the comparison stands in the outermost WHERE as well, as in {@link writeBatch}.
 */
function make(targets: readonly Target[]): string {
  return `with lease as materialized (
      select l.* from ${hurried(leases, 'with ordinality l(target, rotation, ordinal, owner, tenant, key_number, up_to, items, place)', waitsMs)}
      where rekey.hold_lease(l.rotation, l.target, l.ordinal, l.owner)),
    ${targets.map(inTable).join('')}
    replaced as (${targets.map((_, i) => `select place, taken from replaced_${i}`).join(' union all ')}),
    done as materialized (
      select lease.*, (select count(*) filter (where taken) from replaced r where r.place = lease.place) as replaced
      from lease)
    select place::int as place, replaced,
      rekey.note_batch(rotation, target, ordinal, owner, replaced, items, up_to, null, null) as noted
    from done`;
}

/** What is done in one of the tables: nothing, unless a lease is held. */
function inTable(target: Target, i: number): string {
  const { name, table, id, idType, key, ciphertext, tenant } = target;
  const [ids, seen, sealed, places, bytes] = [1, 2, 3, 4, 5].map((n) => `$${leases.length + 5 * i + n}`);
  const isTenants = `(t.${tenant} = w.tenant) is true`;
  const isUnchanged = isAsSeen(target, bytes ?? '');
  return `w_${i} as materialized (
      select w.*, lease.tenant, lease.key_number
      from unnest(${ids}::${idType}[], ${seen}::bytea[], ${sealed}::bytea[], ${places}::int[]) as w(id, seen, sealed, place)
        join lease on lease.place = w.place),
    free_${i} as materialized (
      select w.* from w_${i} w join ${table} t on t.${id} = w.id
      where (select count(*) from lease) > 0 and ${isTenants} and ${isUnchanged}
      for no key update of t skip locked),
    replaced_${i} as (
      update ${table} t set ${ciphertext} = w.sealed, ${key} = w.key_number
      from free_${i} w where t.${id} = w.id and ${isTenants} and ${isUnchanged}
      returning w.place, case when t.${key} is distinct from w.key_number then false
        when t.${ciphertext} = w.sealed then true else rekey.refuse_altered(${escapeLiteral(name)}) end as taken),
    `;
}
