import { inTransaction, type Queryable, rows, type Store } from './open-store.ts';
import { literals, within } from './range-bounds.ts';
import type { OpenRange } from './running-rotation.ts';
import { loadTargets, type Target } from './targets.ts';

/**
 * How many records a range holds: enough that claiming and proving it costs little, few enough that a lost worker
 * costs little and that several workers finish at about the same time.
 */
export const rangeItems = 20_000;

export interface Plan {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly newKeyNumber: number;
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
): Promise<void> {
  for (;;) {
    const edges = await openEdges(store, plan.rotationId);
    if (edges.length === 0) return;
    const slices = await Promise.all(edges.map((edge) => cut(sweepStore, edge, plan, itemsPerRange)));
    const stored = await storeRanges(sweepStore, plan.rotationId, slices);
    if (stored === null) return; // the rotation is over
    await onRanges(stored);
    // Stored by us, all of it, to the end: no need to look again.
    if (stored.length === slices.length && slices.every(({ upper }) => upper === null)) return;
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

async function openEdges(store: Store, rotationId: string): Promise<Edge[]> {
  const last = await rows<{ target: string; ordinal: number; upper_id: string | null }>(
    store,
    `select distinct on (target) target, ordinal, upper_id from rekey.rotation_ranges
     where rotation_id = $1 order by target, ordinal desc`,
    [rotationId],
  );
  const lastOf = new Map(last.map((range) => [range.target, range]));
  const edges: Edge[] = [];
  for (const target of await loadTargets(store)) {
    const range = lastOf.get(target.name);
    if (range === undefined) edges.push({ target, ordinal: 0, lower: null });
    else if (range.upper_id !== null)
      edges.push({ target, ordinal: range.ordinal + 1, lower: range.upper_id });
  }
  return edges;
}

interface Slice extends Edge {
  readonly upper: string | null;
  readonly planned: number;
}

/** One short statement, so that no old snapshot keeps dead rows from being pruned. */
async function cut(on: Queryable, edge: Edge, plan: Plan, itemsPerRange: number): Promise<Slice> {
  const { target, lower } = edge;
  const [last] = await rows<{ id: string; items: string }>(
    on,
    `select id::text, items from (
       select id, row_number() over (order by tenant, id) as items from (
         select t.${target.tenant} as tenant, t.${target.id} as id from ${target.table} t
         where ${within(target, literals(target, plan.tenantId, lower, null))} and t.${target.key} <> $1
         order by t.${target.tenant}, t.${target.id} limit $2) slice) counted
     order by items desc limit 1`,
    [plan.newKeyNumber, itemsPerRange],
  );
  const planned = Number(last?.items ?? 0);
  return { ...edge, planned, upper: last !== undefined && planned === itemsPerRange ? last.id : null };
}

/** Two planners at once wait for each other here, and nobody waits for either. */
const otherPlannerMs = 5_000;

/** Stores the slices that lie next to a stored one or at the beginning; those. Null when the rotation is over. */
async function storeRanges(
  store: Store,
  rotationId: string,
  slices: readonly Slice[],
): Promise<OpenRange[] | null> {
  return inTransaction(
    store,
    async (tx) => {
      const [running] = await rows<{ phase: string }>(
        tx,
        `select phase from rekey.rotations
       where id = $1 and status = 'in_progress' and switched_at is not null for key share`,
        [rotationId],
      );
      if (running === undefined) return null;
      if (running.phase === 'activating') {
        await tx.query(
          `update rekey.rotations set phase = 'sweeping', heartbeat_at = clock_timestamp()
         where id = $1 and phase = 'activating'`,
          [rotationId],
        );
      }
      const stored = await rows<{ target: string; ordinal: number; planned: string }>(
        tx,
        `insert into rekey.rotation_ranges (rotation_id, target, ordinal, lower_id, upper_id, planned)
       select $1, s.target, s.ordinal, s.lower_id, s.upper_id, s.planned
       from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::bigint[])
         as s(target, ordinal, lower_id, upper_id, planned)
       where s.ordinal = 0 or exists (
         select from rekey.rotation_ranges g
         where g.rotation_id = $1 and g.target = s.target and g.ordinal = s.ordinal - 1 and g.upper_id = s.lower_id)
       on conflict do nothing returning target, ordinal, planned`,
        [
          rotationId,
          slices.map(({ target }) => target.name),
          slices.map(({ ordinal }) => ordinal),
          slices.map(({ lower }) => lower),
          slices.map(({ upper }) => upper),
          slices.map(({ planned }) => planned),
        ],
      );
      return stored.map(({ target, ordinal, planned }) => ({
        rotationId,
        target,
        ordinal,
        planned: Number(planned),
      }));
    },
    { lockTimeoutMs: otherPlannerMs },
  );
}
