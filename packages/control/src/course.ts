/** A rotation that runs, looked back upon: how long what is left will take, as far as that can be told from how it went. */

/** How far it was when, since whatever holds it back to a rate has changed. */
export interface Course {
  /** What it was held back to, in records per second. */
  readonly limit: number | null;
  /** [milliseconds since the epoch, records done until then], oldest first. */
  readonly points: readonly Point[];
}

type Point = readonly [atMs: number, done: number];

/** Seconds that what is left takes while it goes on, without what it stands still for from now on. */
export interface Left {
  readonly seconds: number;
  readonly low: number;
  readonly high: number;
}

/** So coarse that each beat can keep it. */
const pointsMax = 24;
/** What is shorter tells of its beginning only. */
const leastMs = 400;
const youngMs = 5_000;
/** Its batches begin small and its tables are still being cut: what it does meanwhile is no measure. */
const warmUpMs = 1_500;
/** But what it did last is, if that is so long. */
const warmMs = 250;
const recentMs = 5_000;
/** A stop counts for so long at least. */
const shortStopMs = 10_000;
/** Both ends of a range together: between these, and as far apart as the rates that were seen. */
const spread = { least: 1.2, most: 1.45 } as const;
/** How much of that lies before what is told. */
const leans = { least: 0.25, most: 0.75 } as const;

/** A course with one more point. Of old ones every other goes: it is as long as the sweep, and not much larger. */
export function goOn(before: Course | undefined, limit: number | null, nowMs: number, done: number): Course {
  const earlier =
    before === undefined || before.limit !== limit ? [] : before.points.filter(([at]) => at < nowMs);
  const points = [...withoutLongStop(earlier, nowMs, done), [nowMs, done] as const];
  const stepMs = (nowMs - (points[0]?.[0] ?? nowMs)) / (pointsMax / 2);
  const kept: Point[] = [];
  for (const [index, point] of points.entries()) {
    const last = kept.at(-1);
    const next = points[index + 1];
    // Where it began to stand still and where it moved on, too: rates are taken between them.
    const turns =
      last !== undefined && next !== undefined && (last[1] === point[1]) !== (point[1] === next[1]);
    if (last === undefined || next === undefined || point[0] - last[0] >= stepMs || turns) kept.push(point);
  }
  if (kept.length <= 2 * pointsMax) return { limit, points: kept };
  return { limit, points: kept.filter((_, index) => index % 2 === 0 || index >= kept.length - 2) };
}

/**
 * Short stops come again, and count. One that has lasted for longer than half of what it went before, as for a KMS that was
 * away, counts as that: else what is left would seem to take days for hours after it.
 */
function withoutLongStop(points: readonly Point[], nowMs: number, done: number): readonly Point[] {
  const stop = points.findIndex(([, then]) => then === points.at(-1)?.[1]);
  const stood = points[stop];
  if (stood === undefined || stood[1] === done) return points;
  const countedMs = Math.max(shortStopMs, (stood[0] - (points[0]?.[0] ?? stood[0])) / 2);
  const passedMs = nowMs - stood[0] - countedMs;
  if (passedMs <= 0) return points;
  return points.slice(0, stop + 1).map(([at, then]) => [at + passedMs, then] as const);
}

/**
 * What is left, by the rates at which it went: of the last five seconds, of its later half and of all of it, each up to where it
 * last moved, with what it stood still for before. Null: it has hardly moved.
 */
export function leftBy({ limit, points }: Course, remaining: number): Left | null {
  const moves = points.findLastIndex(([, done], index) => done > (points[index - 1]?.[1] ?? done));
  const end = points[moves];
  const begin = points.findLast(([, done]) => done === points[0]?.[1]);
  if (end === undefined || begin === undefined || end[0] - begin[0] < leastMs) return null;
  const rateSince = (sinceMs: number): number => {
    const from = points.findLast(([at]) => at <= Math.max(begin[0], sinceMs)) ?? begin;
    const rate = ((end[1] - from[1]) * 1_000) / (end[0] - from[0]);
    return limit === null ? rate : Math.min(rate, limit);
  };
  const span = end[0] - begin[0];
  // Its later half says more than its first one; but where it stands still now and then, both do together.
  const stands = points.some(([at, done], index) => {
    const [before, then] = points[index - 1] ?? [at, 0];
    return before >= begin[0] && then === done && at - before >= leastMs;
  });
  const warm = stands ? begin[0] : Math.min(begin[0] + warmUpMs, end[0] - warmMs);
  const since = (ms: number): number => rateSince(Math.max(warm, ms));
  const rate = since(end[0] - (stands ? Math.max(recentMs, span / 2) : span / 2));
  const rates = [rate, since(begin[0]), since(end[0] - Math.min(recentMs, span / 2))];
  const seconds = remaining / rate;
  const apart = (other: number): number => Math.max(1, other);
  const down = apart(Math.max(...rates) / rate);
  const up = apart(rate / Math.min(...rates));
  const wanted = Math.min(spread.most, Math.max(span < youngMs ? spread.most : spread.least, down * up));
  // As far to both sides as rates were, and what is missing of that to either alike.
  const share = down * up <= 1 ? 0.5 : Math.log(down) / Math.log(down * up);
  // While it warms up it gets faster.
  const isWarming = limit === null && !stands && span < warmUpMs + warmMs;
  const lean = isWarming ? leans.most : Math.min(leans.most, Math.max(leans.least, share));
  return { seconds, low: seconds / wanted ** lean, high: seconds * wanted ** (1 - lean) };
}

/** Of one that has not moved since it was held back otherwise, or resumed: as before, or as its limit has it. Null: nobody knows. */
export function leftAsBefore(
  before: Left | null | undefined,
  remaining: number,
  limit: number | null,
): Left | null {
  const byLimit = limit === null ? 0 : remaining / limit;
  if (before && before.seconds >= byLimit) return before;
  if (byLimit === 0) return null;
  // No faster, and a little slower.
  return { seconds: byLimit * 1.05, low: byLimit, high: byLimit * spread.most };
}
