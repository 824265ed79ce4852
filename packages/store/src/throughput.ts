import { type Queryable, row } from './open-store.ts';

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

export interface Throughput {
  readonly itemsPerSecond: number;
  /** Items of unfinished rotations that stand before a new one. */
  readonly itemsAhead: number;
}

/** The rate of the last twenty rotations that finished here and were worth measuring, and the work queued. */
export async function measureThroughput(on: Queryable): Promise<Throughput> {
  const found = await row<{ rate: number | null; ahead: number }>(
    on,
    `select
       (select sum(items) / nullif(sum(seconds), 0) from (
          select (select sum(value::numeric) from jsonb_each_text(progress -> 'rotated')) as items,
            extract(epoch from completed_at - switched_at) as seconds
          from rekey.rotations
          where completed_at is not null and status in ('completed', 'completed_with_failures')
          order by completed_at desc limit 20) recent
        where items >= $1)::float8 as rate,
       (select coalesce(avg((select sum(value::numeric)
           from jsonb_each_text(coalesce(progress -> 'remaining', items_to_rotate)))), 0)
        from (select progress, items_to_rotate from rekey.rotations where status = 'in_progress' limit $2) sampled)::float8
       * (select count(*) from rekey.rotations where status = 'in_progress') as ahead`,
    [itemsWorthMeasuring, rotationsSampled],
  );
  return { itemsPerSecond: found.rate ?? assumedItemsPerSecond, itemsAhead: found.ahead };
}

/** How long a rotation of `items` will take from now, the queue before it included. */
export function estimateMs(items: number, { itemsPerSecond, itemsAhead }: Throughput): number {
  return Math.ceil(fixedCostMs + ((items + itemsAhead) / itemsPerSecond) * 1_000);
}
