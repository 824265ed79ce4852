import { asyncCommit, type Going, prepared, type Queryable, rows, several } from '@rekey/db';
import { type OpenRange, type RangeRow, rangeColumns, toOpenRange } from './open-ranges.ts';
import { type Bounds, within } from './range-bounds.ts';
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
  /** Every row of its table is a sealed record, since its key column takes no null. */
  readonly isAllSealed: boolean;
  readonly ordinal: number;
  readonly lower: string | null;
}

/** Of a rotation: what is registered, and where the plan of each target goes on that has not come to its end. */
export interface PlanEdges {
  readonly targets: readonly Target[];
  readonly edges: readonly PlanEdge[];
}

/**
 * Of several rotations, in the same order. A table is looked for by the parts of its name: `to_regclass` refuses where its schema
 * is closed to us, and one table in trouble does not hold up the others.
 */
export async function planEdges(on: Queryable, rotationIds: readonly string[]): Promise<PlanEdges[]> {
  const found = await prepared<
    TargetRow & {
      rotation: string;
      is_all_sealed: boolean;
      last_ordinal: number | null;
      upper_id: string | null;
    }
  >(
    on,
    `select rotation, ${targetColumns}, last.ordinal as last_ordinal, last.upper_id,
       coalesce((select a.attnotnull from pg_namespace n join pg_class c on c.relnamespace = n.oid
           join pg_attribute a on a.attrelid = c.oid and a.attname = t.key_column and not a.attisdropped
         where n.nspname = (parse_ident(t.table_name))[1] and c.relname = (parse_ident(t.table_name))[2]), false) as is_all_sealed
     from unnest($1::uuid[]) asked(rotation) cross join rekey.targets t left join lateral (
       select g.ordinal, g.upper_id from rekey.rotation_ranges g
       where g.rotation_id = rotation and g.target = t.name order by g.ordinal desc limit 1) last on true
     where t.retired_at is null order by t.name`,
    [[...new Set(rotationIds)]],
  );
  return rotationIds.map((rotationId) => {
    const own = found.filter(({ rotation }) => rotation === rotationId);
    const targets = own.map(toTarget);
    const edges = own.flatMap(({ last_ordinal, upper_id, is_all_sealed }, i): PlanEdge[] => {
      const target = targets[i];
      if (target === undefined || (last_ordinal !== null && upper_id === null)) return [];
      const ordinal = last_ordinal === null ? 0 : last_ordinal + 1;
      return [{ target, isAllSealed: is_all_sealed, ordinal, lower: upper_id }];
    });
    return { targets, edges };
  });
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
  /**
   * The switch is a moment ago, so hardly a record stands under the new DEK: a full range is taken to have none, and is cut by
   * the index alone. To look at the key of each record costs as much as to read it.
   */
  readonly isJustSwitched: boolean;
}

/** The records to be cut, in SQL: those that are not under the new DEK; for the edge of a full range, see {@link CutOrder}. */
function ahead(
  { target, isAllSealed }: PlanEdge,
  { isJustSwitched }: Pick<CutOrder, 'isJustSwitched'>,
  bounds: Bounds,
  newKeyNumber: string,
): { readonly counted: string; readonly edge: string } {
  const statement = (condition: string): string => `select t.${target.id} as id from ${target.table} t
       where ${within(target, bounds)} ${condition} order by t.${target.tenant}, t.${target.id}`;
  const counted = statement(`and t.${target.key} <> ${newKeyNumber}`);
  return { counted, edge: isJustSwitched && isAllSealed ? statement('') : counted };
}

/** The next range of each target. One short statement, so that no old snapshot keeps dead rows from being pruned. */
export async function cutRanges(
  on: Queryable,
  edges: readonly PlanEdge[],
  order: CutOrder,
): Promise<CutRange[]> {
  const { tenantId, newKeyNumber, itemsPerRange } = order;
  const values: unknown[] = [tenantId, newKeyNumber, itemsPerRange];
  const selects = edges.map((from, i) => {
    const after = from.lower === null ? null : `$${values.push(from.lower)}::${from.target.idType}`;
    const { counted, edge } = ahead(from, order, { tenant: '$1::uuid', after, upTo: null }, '$2::int');
    // The id in that place, and nothing of those before it; they are counted where it is the end that was found.
    return `(select ${i} as edge, last.id::text,
       case when last.id is null then (select count(*) from (${counted} limit $3::int) rest) else $3::int end as items
     from (select) cut left join lateral (${edge} offset $3::int - 1 limit 1) last on true)`;
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

/** Of several tenants the first range of each of these targets, in the same order. All orders are alike but for whose they are. */
export async function cutFirstRanges(
  on: Queryable,
  edges: readonly PlanEdge[],
  orders: readonly CutOrder[],
): Promise<CutRange[][]> {
  const isJustSwitched = orders.every((order) => order.isJustSwitched);
  const selects = edges.map((from, i) => {
    const bounds = { tenant: 'asked.tenant', after: null, upTo: null };
    const { counted, edge } = ahead(from, { isJustSwitched }, bounds, 'asked.number');
    return `select asked.place::int as place, ${i} as edge, last.id::text,
       case when last.id is null then (select count(*) from (${counted} limit $3::int) rest) else $3::int end as items
     from unnest($1::uuid[], $2::int[]) with ordinality asked(tenant, number, place)
       left join lateral (${edge} offset $3::int - 1 limit 1) last on true`;
  });
  const lasts = await prepared<{ place: number; edge: number; id: string | null; items: string }>(
    on,
    selects.join(' union all '),
    [
      orders.map(({ tenantId }) => tenantId),
      orders.map(({ newKeyNumber }) => newKeyNumber),
      orders[0]?.itemsPerRange,
    ],
  );
  return orders.map((_, n) =>
    edges.map((edge, i) => {
      const last = lasts.find((found) => found.place === n + 1 && found.edge === i);
      return { ...edge, planned: Number(last?.items ?? 0), upper: last?.id ?? null };
    }),
  );
}

export interface StoreOrder {
  readonly rotationId: string;
  /** There is one. */
  readonly cuts: readonly CutRange[];
  /** Whose they are once they are stored; null: nobody's. */
  readonly owner: string | null;
}

const cutColumns = {
  place: 'int',
  rotation: 'uuid',
  claimed_by: 'uuid',
  name: 'text',
  number: 'int',
  low: 'text',
  high: 'text',
  items: 'bigint',
} as const;

/**
 * Stores the ranges that lie next to a stored one or at the beginning, of several rotations, claimed if there is an owner;
 * those, in the same order. Null when the rotation is over. The lock on the rotation keeps a plan from slipping past a cancel.
 */
export async function storeRanges(
  on: Queryable,
  orders: readonly StoreOrder[],
  going: Going = 'together',
): Promise<Array<OpenRange[] | null>> {
  const all = orders.flatMap(({ cuts, ...order }, i) => cuts.map((cut) => ({ ...order, ...cut, i })));
  const found = await prepared<(RangeRow | { readonly target: null }) & { readonly place: number }>(
    on,
    `select place, ${rangeColumns}, ${asyncCommit}
     from (select place, rotation, claimed_by, array_agg(name order by name, number) as names,
         array_agg(number order by name, number) as numbers, array_agg(low order by name, number) as lowers,
         array_agg(high order by name, number) as uppers, array_agg(items order by name, number) as items
       from ${several(cutColumns, going)}
       group by 1, 2, 3) cuts
       cross join lateral rekey.store_ranges(rotation, names, numbers, lowers, uppers, items, claimed_by)`,
    [
      all.map(({ i }) => i),
      all.map(({ rotationId }) => rotationId),
      all.map(({ owner }) => owner),
      all.map(({ target }) => target.name),
      all.map(({ ordinal }) => ordinal),
      all.map(({ lower }) => lower),
      all.map(({ upper }) => upper),
      all.map(({ planned }) => planned),
    ],
  );
  return orders.map(({ rotationId, owner }, i) => {
    const own = found.filter(({ place }) => place === i);
    if (own.length === 0) return null;
    return own.flatMap((range) => (range.target === null ? [] : [toOpenRange(rotationId, range, owner)]));
  });
}
