import { randomUUID } from 'node:crypto';
import { asyncCommit, prepared, type Queryable, rows, type Store } from '@rekey/db';
import { type OpenRange, openRanges, type RangeRow, rangeColumns, toOpenRange } from './open-ranges.ts';
import { within } from './range-bounds.ts';
import { asTargetTrouble, hasRecords, type TargetTrouble } from './target-trouble.ts';
import { type Target, type TargetRow, targetColumns, toTarget } from './targets.ts';

/**
 * How many records a range holds: enough that claiming and proving it costs little, few enough that a lost worker
 * costs little and that several workers finish at about the same time.
 */
export const rangeItems = 20_000;

export interface Plan {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly newKeyNumber: number;
  /** With at most so many records in all, the ranges are claimed as they are stored, for whoever planned to sweep. */
  readonly claimItemsMax?: number;
  /** Ends the planning between two slices with its reason; what is stored by then stays. */
  readonly signal?: AbortSignal;
}

export interface Planned {
  readonly targets: readonly Target[];
  /** What is still to be proved, of this plan or an earlier one. */
  readonly ranges: readonly OpenRange[];
  /** Of a target that could not be cut to its end, and in which the tenant has records. */
  readonly trouble: TargetTrouble | null;
}

/** Told of the ranges that were just stored: they may be swept while the rest is still being cut. */
export type OnRanges = (ranges: readonly OpenRange[]) => Promise<void>;

/**
 * Cuts every target into ranges of about `itemsPerRange` records, edge to edge from minus to plus infinity, and moves
 * the rotation on to `sweeping`. Called after the switch, so `planned` is what stands on older keys. It goes on where
 * an earlier planner stopped, and several at once do no harm: a range is stored only next to the one before it.
 */
export async function planRanges(
  { store, sweepStore }: { readonly store: Store; readonly sweepStore: Store },
  plan: Plan,
  itemsPerRange = rangeItems,
  onRanges: OnRanges = async () => {},
): Promise<Planned> {
  const inTrouble = new Map<string, TargetTrouble>();
  for (let isFirst = true; ; isFirst = false) {
    plan.signal?.throwIfAborted();
    const { targets, edges: all } = await openEdges(store, plan.rotationId);
    const edges = all.filter(({ target }) => !inTrouble.has(target.name));
    const [trouble = null] = inTrouble.values();
    if (edges.length === 0) return { targets, ranges: await openRanges(store, plan.rotationId), trouble };
    const slices = await cutWhatCanBe(sweepStore, edges, plan, itemsPerRange, inTrouble);
    // Most tenants are small: all of theirs is cut at once.
    const isAll = isFirst && slices.length === targets.length && slices.every(isWholeTarget);
    const owner = isAll && totalPlanned(slices) <= (plan.claimItemsMax ?? -1) ? randomUUID() : null;
    const stored = await storeRanges(store, plan.rotationId, slices, owner);
    if (stored !== null) await onRanges(stored);
    const isOurs = stored?.length === slices.length;
    if (isOurs && isAll) return { targets, ranges: stored, trouble };
    const isOver =
      stored === null || (isOurs && inTrouble.size === 0 && slices.every(({ upper }) => upper === null));
    // Another planner was at it as well: what it stored, and what is ours.
    if (isOver || isAll) return { targets, ranges: await openRanges(store, plan.rotationId, owner), trouble };
  }
}

/** The condition that a rotation's ranges reach plus infinity in every target. `rotation` is an SQL expression. */
export function planIsComplete(rotation: string): string {
  return `not exists (
    select from rekey.targets t where t.retired_at is null and not exists (
      select from rekey.rotation_ranges g
      where g.rotation_id = ${rotation} and g.target = t.name and g.upper_id is null))`;
}

/** Where the plan of a target has come to. */
interface Edge {
  readonly target: Target;
  readonly ordinal: number;
  readonly lower: string | null;
}

async function openEdges(
  on: Queryable,
  rotationId: string,
): Promise<{ readonly targets: readonly Target[]; readonly edges: readonly Edge[] }> {
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
  const edges = found.flatMap(({ last_ordinal, upper_id }, i): Edge[] => {
    const target = targets[i];
    if (target === undefined || (last_ordinal !== null && upper_id === null)) return [];
    return [{ target, ordinal: last_ordinal === null ? 0 : last_ordinal + 1, lower: upper_id }];
  });
  return { targets, edges };
}

interface Slice extends Edge {
  readonly upper: string | null;
  readonly planned: number;
}

function isWholeTarget({ lower, upper }: Slice): boolean {
  return lower === null && upper === null;
}

function totalPlanned(slices: readonly Slice[]): number {
  return slices.reduce((sum, { planned }) => sum + planned, 0);
}

/**
 * As {@link cut}; when a table is in trouble, each target for itself: a tenant without records in it is not held up, and
 * for others it goes to `inTrouble`.
 */
async function cutWhatCanBe(
  on: Queryable,
  edges: readonly Edge[],
  plan: Plan,
  itemsPerRange: number,
  inTrouble: Map<string, TargetTrouble>,
): Promise<Slice[]> {
  try {
    return await cut(on, edges, plan, itemsPerRange);
  } catch (error) {
    const [first] = edges;
    if (first === undefined || asTargetTrouble(first.target, error) === null) throw error;
  }
  const slices: Slice[] = [];
  for (const edge of edges) {
    try {
      slices.push(...(await cut(on, [edge], plan, itemsPerRange)));
    } catch (error) {
      const trouble = asTargetTrouble(edge.target, error);
      if (trouble === null) throw error;
      const isEmpty = edge.lower === null && !(await hasRecords(on, plan.tenantId, edge.target.name));
      if (isEmpty) slices.push({ ...edge, planned: 0, upper: null });
      else inTrouble.set(edge.target.name, trouble);
    }
  }
  return slices;
}

/** The next slice of each target. One short statement, so that no old snapshot keeps dead rows from being pruned. */
async function cut(
  on: Queryable,
  edges: readonly Edge[],
  plan: Plan,
  itemsPerRange: number,
): Promise<Slice[]> {
  const values: unknown[] = [plan.tenantId, plan.newKeyNumber, itemsPerRange];
  const cuts = edges.map(({ target, lower }, i) => {
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
    cuts.join(' union all '),
    values,
  );
  return edges.map((edge, i) => {
    const last = lasts.find((found) => found.edge === i);
    return { ...edge, planned: Number(last?.items ?? 0), upper: last?.id ?? null };
  });
}

/**
 * Stores the slices that lie next to a stored one or at the beginning, claimed if there is an owner; those. Null when the
 * rotation is over. The lock on the rotation keeps a plan from slipping past a cancel.
 */
async function storeRanges(
  on: Queryable,
  rotationId: string,
  slices: readonly Slice[],
  owner: string | null,
): Promise<OpenRange[] | null> {
  const found = await prepared<RangeRow | { readonly target: null }>(
    on,
    `select ${rangeColumns}, ${asyncCommit}
     from rekey.store_ranges($1, $2, $3, $4, $5, $6, $7)`,
    [
      rotationId,
      slices.map(({ target }) => target.name),
      slices.map(({ ordinal }) => ordinal),
      slices.map(({ lower }) => lower),
      slices.map(({ upper }) => upper),
      slices.map(({ planned }) => planned),
      owner,
    ],
  );
  if (found.length === 0) return null;
  return found.flatMap((range) => (range.target === null ? [] : [toOpenRange(rotationId, range, owner)]));
}
