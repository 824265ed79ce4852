import { asyncCommit, prepared, type Queryable, rows } from '@rekey/db';
import { type OpenRange, type RangeRow, rangeColumns, toOpenRange } from './open-ranges.ts';
import { within } from './range-bounds.ts';
import { type Target, type TargetRow, targetColumns, toTarget } from './targets.ts';

/**
 * How many records a range holds: enough that claiming and proving it costs little, few enough that a lost worker
 * costs little and that several workers finish at about the same time.
 */
export const rangeItems = 20_000;

/** The condition that a rotation's ranges reach plus infinity in every target. `rotation` is an SQL expression. */
export function planIsComplete(rotation: string): string {
  return `not exists (
    select from rekey.targets t where t.retired_at is null and not exists (
      select from rekey.rotation_ranges g
      where g.rotation_id = ${rotation} and g.target = t.name and g.upper_id is null))`;
}

/** Where the plan of a target has come to. */
export interface PlanEdge {
  readonly target: Target;
  readonly ordinal: number;
  readonly lower: string | null;
}

export async function planEdges(
  on: Queryable,
  rotationId: string,
): Promise<{ readonly targets: readonly Target[]; readonly edges: readonly PlanEdge[] }> {
  const found = await prepared<TargetRow & { last_ordinal: number | null; upper_id: string | null }>(
    on,
    `select ${targetColumns}, last.ordinal as last_ordinal, last.upper_id
     from rekey.targets t left join lateral (
       select g.ordinal, g.upper_id from rekey.rotation_ranges g
       where g.rotation_id = $1 and g.target = t.name order by g.ordinal desc limit 1) last on true
     where t.retired_at is null order by t.name`,
    [rotationId],
  );
  const targets = found.map(toTarget);
  const edges = found.flatMap(({ last_ordinal, upper_id }, i): PlanEdge[] => {
    const target = targets[i];
    if (target === undefined || (last_ordinal !== null && upper_id === null)) return [];
    return [{ target, ordinal: last_ordinal === null ? 0 : last_ordinal + 1, lower: upper_id }];
  });
  return { targets, edges };
}

/** The next range of a target, up to `upper`, or to its end. */
export interface CutRange extends PlanEdge {
  readonly upper: string | null;
  readonly planned: number;
}

/** Whose records are cut, and the key number that they are to have. */
export interface CutOrder {
  readonly tenantId: string;
  readonly newKeyNumber: number;
  readonly itemsPerRange: number;
}

/** The next range of each target. One short statement, so that no old snapshot keeps dead rows from being pruned. */
export async function cutRanges(
  on: Queryable,
  edges: readonly PlanEdge[],
  { tenantId, newKeyNumber, itemsPerRange }: CutOrder,
): Promise<CutRange[]> {
  const values: unknown[] = [tenantId, newKeyNumber, itemsPerRange];
  const selects = edges.map(({ target, lower }, i) => {
    const after = lower === null ? null : `$${values.push(lower)}::${target.idType}`;
    const ahead = `select t.${target.id} as id from ${target.table} t
       where ${within(target, { tenant: '$1::uuid', after, upTo: null })} and t.${target.key} <> $2::int
       order by t.${target.tenant}, t.${target.id}`;
    // The id in that place, and nothing of those before it; they are counted where it is the end that was found.
    return `(select ${i} as edge, last.id::text,
       case when last.id is null then (select count(*) from (${ahead} limit $3::int) rest) else $3::int end as items
     from (select) cut left join lateral (${ahead} offset $3::int - 1 limit 1) last on true)`;
  });
  const isFirst = edges.every(({ lower }) => lower === null);
  // Further on, which targets still have an edge differs from turn to turn: too many texts to keep.
  const lasts = await (isFirst ? prepared : rows)<{ edge: number; id: string | null; items: string }>(
    on,
    selects.join(' union all '),
    values,
  );
  return edges.map((edge, i) => {
    const last = lasts.find((found) => found.edge === i);
    return { ...edge, planned: Number(last?.items ?? 0), upper: last?.id ?? null };
  });
}

/**
 * Stores the ranges that lie next to a stored one or at the beginning, claimed if there is an owner; those. Null when the
 * rotation is over. The lock on the rotation keeps a plan from slipping past a cancel.
 */
export async function storeRanges(
  on: Queryable,
  rotationId: string,
  cuts: readonly CutRange[],
  owner: string | null,
): Promise<OpenRange[] | null> {
  const found = await prepared<RangeRow | { readonly target: null }>(
    on,
    `select ${rangeColumns}, ${asyncCommit}
     from rekey.store_ranges($1, $2, $3, $4, $5, $6, $7)`,
    [
      rotationId,
      cuts.map(({ target }) => target.name),
      cuts.map(({ ordinal }) => ordinal),
      cuts.map(({ lower }) => lower),
      cuts.map(({ upper }) => upper),
      cuts.map(({ planned }) => planned),
      owner,
    ],
  );
  if (found.length === 0) return null;
  return found.flatMap((range) => (range.target === null ? [] : [toOpenRange(rotationId, range, owner)]));
}
