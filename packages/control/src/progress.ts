import { type ItemCounts, type ItemType, itemTypes, noItems, planIsComplete, totalOf } from '@rekey/data';
import { type Queryable, row } from '@rekey/db';
import { goOn, type Left, leftAsBefore, leftBy } from './course.ts';
import type { Progress, RotationRow, TargetProgress } from './rotation-view.ts';

/** Sums over a rotation's ranges, per item type and per target. */
export interface RangeSums {
  /** Whether every target is cut to its end. */
  readonly planned: boolean;
  readonly stoodOnOlderKeys: ItemCounts;
  readonly rotated: ItemCounts;
  readonly failed: ItemCounts;
  /** Of ranges that are not proved yet. */
  readonly remaining: ItemCounts;
  readonly targets: readonly TargetProgress[];
}

/** What {@link sumsOf} selects. */
export interface SumsRow {
  readonly sums: ReadonlyArray<{
    readonly target: string;
    readonly item_type: ItemType;
    readonly planned: number;
    readonly rotated: number;
    readonly failed: number;
    readonly remaining: number;
  }> | null;
  readonly planned_all: boolean;
  /** The database's clock: a worker's may be an hour off. */
  readonly now: Date;
}

/** Sums over a rotation's ranges, and when they were taken, as columns. `rotation` is an SQL expression. */
export function sumsOf(rotation: string): string {
  return `
    (select jsonb_agg(by_target) from (
       select t.name as target, t.item_type, sum(g.planned) as planned, sum(g.rotated) as rotated, sum(g.failed) as failed,
         sum(case when g.proved_at is null then greatest(g.planned - g.rotated - g.failed, 0) else 0 end) as remaining
       from rekey.rotation_ranges g join rekey.targets t on t.name = g.target
       where g.rotation_id = ${rotation} group by t.name order by t.name) by_target) as sums,
    ${planIsComplete(rotation)} as planned_all, clock_timestamp() as now`;
}

export function toSums({ sums: found, planned_all }: SumsRow): RangeSums {
  const sums = { stoodOnOlderKeys: noItems(), rotated: noItems(), failed: noItems(), remaining: noItems() };
  for (const sum of found ?? []) {
    sums.stoodOnOlderKeys[sum.item_type] += sum.planned;
    sums.rotated[sum.item_type] += sum.rotated;
    sums.failed[sum.item_type] += sum.failed;
    sums.remaining[sum.item_type] += sum.remaining;
  }
  const targets = (found ?? []).map(({ target, item_type, rotated, failed, remaining }) => ({
    name: target,
    itemType: item_type,
    rotated,
    failed,
    remaining,
  }));
  return { ...sums, targets, planned: found !== null && planned_all };
}

export async function sumRanges(
  on: Queryable,
  rotationId: string,
): Promise<{ readonly sums: RangeSums; readonly nowMs: number }> {
  const found = await row<SumsRow>(on, `select ${sumsOf('$1')}`, [rotationId]);
  return { sums: toSums(found), nowMs: found.now.getTime() };
}

/** How far back the recent rate looks. */
const rateSpanMs = 10_000;

/**
 * What is published of a running rotation. Pure: the same row, sums and clock give the same answer. Records that were
 * inserted between the call and the switch are swept too: what was rotated is told as it is, though it may exceed what
 * the call counted.
 */
export function progressOf(rotation: RotationRow, sums: RangeSums, nowMs: number): Progress {
  const toRotate = rotation.items_to_rotate;
  const remaining = noItems();
  const superseded = noItems();
  for (const type of itemTypes) {
    const notDone = toRotate[type] - sums.rotated[type] - sums.failed[type];
    // What may be out of sight is not done, and not superseded either.
    const isKnown = sums.planned && rotation.waiting_for !== 'integrity';
    remaining[type] = isKnown ? sums.remaining[type] : Math.max(notDone, sums.remaining[type]);
    superseded[type] = Math.max(0, toRotate[type] - sums.rotated[type] - sums.failed[type] - remaining[type]);
  }
  const done = totalOf(sums.rotated) + totalOf(sums.failed);
  const samples = [
    ...(rotation.progress?.samples ?? []).filter(([at]) => at < nowMs && at >= nowMs - rateSpanMs),
    [nowMs, done] as const,
  ];
  const itemsPerSecond = rateOf(samples);
  const course = goOn(rotation.progress?.course, rotation.items_per_second_max, nowMs, done);
  const left =
    leftBy(course, totalOf(remaining)) ??
    leftAsBefore(rotation.progress?.left, totalOf(remaining), rotation.items_per_second_max);
  return {
    rotated: sums.rotated,
    superseded,
    failed: sums.failed,
    remaining,
    targets: sums.targets,
    percent: percentOf(rotation, sums, totalOf(remaining)),
    itemsPerSecond,
    estimatedCompletion: estimateOf(rotation, left, nowMs),
    course,
    left,
    samples: thinned(samples),
  };
}

function rateOf(samples: ReadonlyArray<readonly [number, number]>): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last[0] - first[0] < 100) return 0;
  return Math.round(((last[1] - first[1]) * 1_000) / (last[0] - first[0]));
}

/** Never back, and never 100 before the end. */
function percentOf(rotation: RotationRow, sums: RangeSums, remaining: number): number {
  const before = rotation.progress?.percent ?? 0;
  const whole = Math.max(totalOf(rotation.items_to_rotate), totalOf(sums.stoodOnOlderKeys));
  if (whole === 0) return before;
  return Math.max(before, Math.min(99.9, Math.floor((1 - remaining / whole) * 1_000) / 10));
}

function estimateOf(rotation: RotationRow, left: Left | null, nowMs: number): string {
  const before = rotation.progress?.estimatedCompletion ?? rotation.estimated_completion.toISOString();
  const endMs = left === null ? Math.max(nowMs, Date.parse(before)) : nowMs + Math.ceil(left.seconds * 1_000);
  return new Date(endMs).toISOString();
}

/** At most about forty samples in that span: they are stored with every snapshot. */
function thinned(samples: ReadonlyArray<readonly [number, number]>): Array<readonly [number, number]> {
  const kept: Array<readonly [number, number]> = [];
  for (const sample of samples) {
    const last = kept.at(-1);
    if (last === undefined || sample[0] - last[0] >= rateSpanMs / 40 || sample === samples.at(-1)) {
      kept.push(sample);
    }
  }
  return kept;
}
