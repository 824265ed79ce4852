/**
 * Items per second assumed before this installation has finished a rotation worth measuring. Row-by-row
 * re-encryption reaches about that much on modest hardware, so it errs towards a late estimate.
 */
export const assumedItemsPerSecond = 2_000;

/** What every rotation costs whatever its size: queue, KMS, switch, plan and proof. */
const fixedCostMs = 1_000;

/** Smaller rotations measure the fixed cost, not the rate. */
const itemsWorthMeasuring = 1_000;

/** Of how many unfinished rotations the work is summed up; with more, it is taken from their average. */
const rotationsSampled = 50;

/** The rate of the last twenty rotations that finished here, of those that were worth measuring. */
const itemsPerSecond = `coalesce((
  select sum(items) / nullif(sum(seconds), 0) from (
    select (select sum(value::numeric) from jsonb_each_text(progress -> 'rotated')) as items,
      extract(epoch from completed_at - switched_at) as seconds
    from rekey.rotations
    where completed_at is not null and status in ('completed', 'completed_with_failures')
    order by completed_at desc limit 20) recent
  where items >= ${itemsWorthMeasuring}), ${assumedItemsPerSecond})`;

/** Items of unfinished rotations that stand before a new one. */
const itemsAhead = `(
  select coalesce(avg((select sum(value::numeric)
    from jsonb_each_text(coalesce(progress -> 'remaining', items_to_rotate)))), 0)
  from (select progress, items_to_rotate from rekey.rotations where status = 'in_progress' limit ${rotationsSampled}) sampled)
  * (select count(*) from rekey.rotations where status = 'in_progress')`;

/**
 * How long a rotation of so many items will take from now, as an SQL expression of type interval: by the rate measured
 * here, the work queued before it included. `items` is an SQL expression.
 */
export function estimatedDuration(items: string): string {
  return `make_interval(secs => ((${items} + ${itemsAhead}) / ${itemsPerSecond} + ${fixedCostMs / 1_000})::float8)`;
}
