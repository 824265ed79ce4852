import type { FinishedRotation, PlanFacts } from '../plan-work.ts';
import type { Between, EstimatedBy, PlanEstimate } from '../plans.ts';
import { itemsSweptHere } from '../work-figures.ts';

/** What is to be done. */
interface Work {
  readonly records: number;
  readonly bytes: number;
  /** DEKs that will have to be unwrapped to open what is there. */
  readonly olderDeks: number;
}

/** What another rotation took of something, and how much it had to do. */
interface Taken {
  readonly records: number;
  readonly weight: number;
  readonly value: number;
  /** How many ended since. */
  readonly age: number;
}

/** What is assumed of an installation that has not rotated anything like this yet; wide, and said to be assumed. */
interface Assumed {
  readonly fixed: Between;
  readonly each: Between;
}

type Estimate = Between & { readonly by: EstimatedBy };

/** Smaller rotations take what every rotation takes, whatever their size. */
const smallRecords = 1_000;
/** Of so many others, those that are the nearest in size, and no others than these many times as large or small. */
const nearestMax = 5;
const nearestMin = 2;
const unlikeFactor = 32;
/**
 * How far the ends are from the middle: as far as the others lay apart, within these; so no range is wider than 1 : 2. Five that took
 * as long as each other do not show how time swings with what else the machine does.
 */
const spread = { least: { seconds: 1.38, walBytes: 1.2 }, most: 1.41 } as const;

/**
 * How much each counts of what the one that ended after it does: a machine goes on as fast as it does now, not as when its processes
 * were new. What is written is the same.
 */
const fading = { seconds: 0.7, walBytes: 1 } as const;

/** A record costs as much time as so many of its bytes, and as much WAL. */
const recordBytes = { seconds: 1_024, walBytes: 400 } as const;

/**
 * Row by row, encrypted by a worker on modest hardware, up to what was measured on a fast machine. `each` is of a record
 * without its bytes, which `recordBytes` adds.
 */
const assumed: { readonly seconds: Assumed; readonly walBytes: Assumed } = {
  seconds: { fixed: { low: 0.1, high: 2 }, each: { low: 1 / 100_000, high: 1 / 2_000 } },
  // Row and indexes, with or without the images of pages that are written first after a checkpoint.
  walBytes: { fixed: { low: 20_000, high: 1_000_000 }, each: { low: 400, high: 4_000 } },
};

/** What a rotation will take, as ranges. */
export function estimateRotation(
  work: Work,
  { queue, finished, workers }: Pick<PlanFacts, 'queue' | 'finished' | 'workers'>,
): Omit<PlanEstimate, 'opened'> {
  const bytesEach = work.records === 0 ? 0 : work.bytes / work.records;
  const weigh = (of: keyof typeof recordBytes, records: number, bytes: number | null): number =>
    records + (bytes ?? records * bytesEach) / recordBytes[of];
  const takenBy = (of: keyof typeof recordBytes, take: (one: FinishedRotation) => number | null): Taken[] =>
    finished.flatMap((one, age) => {
      const value = take(one);
      const { items: records, bytes } = one;
      return value === null ? [] : [{ records, weight: weigh(of, records, bytes), value, age }];
    });
  const ours = (of: keyof typeof recordBytes) => ({
    records: work.records,
    weight: weigh(of, work.records, work.bytes),
  });
  const alone = estimate(
    ours('seconds'),
    takenBy('seconds', ({ seconds }) => seconds),
    'seconds',
  );
  return {
    seconds: behind(queue.itemsAhead, work.records, alone),
    walBytes: whole(
      estimate(
        ours('walBytes'),
        takenBy('walBytes', ({ walBytes }) => walBytes),
        'walBytes',
      ),
    ),
    kmsCalls: kmsCalls(work, workers),
    queue,
  };
}

/** From what others took that were about as large. */
function estimate(
  work: Omit<Taken, 'value' | 'age'>,
  taken: readonly Taken[],
  of: keyof typeof assumed,
): Estimate {
  const otherwise = assumed[of];
  const isSmall = ({ records }: Pick<Taken, 'records'>): boolean => records < smallRecords;
  const fixed = median(taken.filter(isSmall), fading[of]);
  const apart = ({ weight }: Taken): number =>
    isSmall(work) && weight < smallRecords ? 0 : Math.abs(Math.log((weight + 1) / (work.weight + 1)));
  const nearest = taken
    .filter((one) => isSmall(one) === isSmall(work) && apart(one) <= Math.log(unlikeFactor))
    .sort((a, b) => apart(a) - apart(b))
    .slice(0, nearestMax);
  if (nearest.length < nearestMin) {
    return {
      low: otherwise.fixed.low + work.weight * otherwise.each.low,
      high: otherwise.fixed.high + work.weight * otherwise.each.high,
      by: 'assumed',
    };
  }
  // What a record adds is seen in large ones.
  const large = taken.filter((one) => !isSmall(one));
  const each =
    median(
      large.map(({ value, weight, age }) => ({ value: value / weight, age })),
      fading[of],
    ) ?? 0;
  const scaledTo = ({ value, weight }: Taken): number => {
    if (isSmall(work)) return Math.max(value / 4, value + each * (work.weight - weight));
    const always = Math.min(fixed ?? otherwise.fixed.low, value / 2);
    return always + ((value - always) * work.weight) / weight;
  };
  const scaled = nearest.map((one) => ({ value: scaledTo(one), age: one.age }));
  const values = scaled.map(({ value }) => value);
  const factor = Math.sqrt(Math.max(...values) / Math.max(Math.min(...values), Number.MIN_VALUE));
  const width = Math.min(spread.most, Math.max(spread.least[of], factor));
  const middle = median(scaled, fading[of]) ?? 0;
  return { low: middle / width, high: middle * width, by: 'measured' };
}

/** What stands before it takes as long, record by record, as this one would. */
function behind(itemsAhead: number, records: number, alone: Estimate): Estimate {
  const times =
    records < smallRecords ? itemsAhead / Math.max(smallRecords, itemsAhead) : itemsAhead / records;
  const rounded = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;
  return { low: rounded(alone.low * (1 + times)), high: rounded(alone.high * (1 + times)), by: alone.by };
}

/**
 * The new DEK is wrapped once and unwrapped once; the older ones are unwrapped by each worker that sweeps, as is the new
 * one by those that did not make it. Those that a worker holds already cost nothing.
 */
function kmsCalls({ records, olderDeks }: Work, workers: number): Between {
  const others = records > itemsSweptHere ? Math.max(0, workers - 1) : 0;
  // Before the first DEK of a tenant one of another tenant is unwrapped, to see that it is the same KEK.
  const high = 2 + Math.max(1, olderDeks) + others * (1 + olderDeks);
  return { low: Math.max(2, Math.ceil(high / 2)), high };
}

function whole({ low, high, by }: Estimate): Estimate {
  return { low: Math.floor(low), high: Math.ceil(high), by };
}

/** By how recent each is among them: half of what counts is no larger. */
function median(of: ReadonlyArray<Pick<Taken, 'value' | 'age'>>, fades: number): number | null {
  const byAge = of.toSorted((a, b) => a.age - b.age).map(({ value }, n) => ({ value, counts: fades ** n }));
  const sorted = byAge.sort((a, b) => a.value - b.value);
  let rest = sorted.reduce((sum, { counts }) => sum + counts, 0) / 2;
  for (const { value, counts } of sorted) {
    rest -= counts;
    if (rest < 0) return value;
  }
  return null;
}
