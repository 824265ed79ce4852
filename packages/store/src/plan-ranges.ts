import { inTransaction, rows, type Store } from './open-store.ts';
import { literals, within } from './range-bounds.ts';
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

/**
 * Cuts every target that has no ranges yet into ranges of about `rangeItems` records, edge to edge from minus to
 * plus infinity, and moves the rotation on to `sweeping`. Called after the switch, so `planned` is what stands on
 * older keys. Two planners at once do no harm: the first to store its plan wins, target by target.
 */
export async function planRanges(
  { store, sweepStore }: { readonly store: Store; readonly sweepStore: Store },
  plan: Plan,
  itemsPerRange = rangeItems,
): Promise<void> {
  const planned = await rows<{ target: string }>(
    store,
    'select distinct target from rekey.rotation_ranges where rotation_id = $1',
    [plan.rotationId],
  );
  const done = new Set(planned.map(({ target }) => target));
  const unplanned = (await loadTargets(store)).filter(({ name }) => !done.has(name));
  const cuts = await Promise.all(
    unplanned.map(async (target) => ({ target, ranges: await cut(sweepStore, target, plan, itemsPerRange) })),
  );
  await inTransaction(store, async (tx) => {
    const mine = await rows(
      tx,
      `update rekey.rotations set phase = case phase when 'activating' then 'sweeping' else phase end
       where id = $1 and status = 'in_progress' and switched_at is not null returning 1`,
      [plan.rotationId],
    );
    if (mine.length === 0) return;
    for (const { target, ranges } of cuts) {
      await tx.query(
        `insert into rekey.rotation_ranges (rotation_id, target, ordinal, lower_id, upper_id, planned)
         select $1, $2, r.ordinal - 1, r.lower_id, r.upper_id, r.planned
         from unnest($3::text[], $4::text[], $5::bigint[]) with ordinality as r(lower_id, upper_id, planned, ordinal)
         where not exists (select from rekey.rotation_ranges where rotation_id = $1 and target = $2)`,
        [
          plan.rotationId,
          target.name,
          ranges.map(({ lower }) => lower),
          ranges.map(({ upper }) => upper),
          ranges.map(({ planned: items }) => items),
        ],
      );
    }
  });
}

interface Slice {
  readonly lower: string | null;
  readonly upper: string | null;
  readonly planned: number;
}

/** One short statement per range, so that no old snapshot keeps dead rows from being pruned. */
async function cut(store: Store, target: Target, plan: Plan, itemsPerRange: number): Promise<Slice[]> {
  const slices: Slice[] = [];
  let lower: string | null = null;
  for (;;) {
    const [last]: Array<{ id: string; items: string }> = await rows<{ id: string; items: string }>(
      store,
      `select id::text, items from (
         select id, row_number() over (order by tenant, id) as items from (
           select t.${target.tenant} as tenant, t.${target.id} as id from ${target.table} t
           where ${within(target, literals(target, plan.tenantId, lower, null))} and t.${target.key} <> $1
           order by t.${target.tenant}, t.${target.id} limit $2) slice) counted
       order by items desc limit 1`,
      [plan.newKeyNumber, itemsPerRange],
    );
    const planned: number = Number(last?.items ?? 0);
    const upper: string | null = last !== undefined && planned === itemsPerRange ? last.id : null;
    slices.push({ lower, upper, planned });
    if (upper === null) return slices;
    lower = upper;
  }
}
