import pLimit from 'p-limit';

/**
 * Limits how many statements that read, write or prove records run at once, over all ranges of a process: when they occupy
 * every core of the database, the statements of applications wait.
 */
export interface StatementLimiter {
  /** The limit at present. */
  readonly places: number;
  /** Runs a statement when there is a place for it, first come first served. */
  run<Result>(statement: () => Promise<Result>): Promise<Result>;
  /** Tells how long a committed batch took, from sending to its answer. */
  took(items: number, bytes: number, ms: number): void;
}

/** The same number of places always. */
export function fixedStatementLimiter(places: number): StatementLimiter {
  const limit = pLimit(places);
  return { places, run: (statement) => limit(statement), took: () => {} };
}

/** A record costs about as much as so many of its bytes, so that batches of all sizes of records compare. */
const recordBytes = 1_024;

/** A sample has so many batches for each place; their median counts. */
const batchesPerPlace = 16;

interface Manner {
  /** It begins with so many places, and has fewer only where more do not pay at all. */
  readonly least: 1 | 2;
  /**
   * Multiples of the time that a statement takes alone: while one takes less than the first, a place is added; when one
   * takes more than the second, a place is removed.
   */
  readonly room: number;
  readonly crowd: number;
  /** How many samples pass before a place is added; after one that was too much, `growth` times as many. */
  readonly patience: number;
}

/**
 * `eager`: where sealing costs next to nothing, a worker with one statement under way waits for it most of the time, and Postgres
 * for the worker. `cautious`: the same beside other workers, whose statements fill those gaps, and who each see room where all
 * of them together have none.
 */
const manners = {
  usual: { least: 1, room: 1.2, crowd: 1.4, patience: 4 },
  eager: { least: 2, room: 1.2, crowd: 1.4, patience: 4 },
  cautious: { least: 1, room: 1.1, crowd: 1.3, patience: 8 },
} as const satisfies Record<string, Manner>;

export type LimiterManner = keyof typeof manners;

const patience = { max: 64, growth: 4 } as const;

/** Two statements that take as long as one after the other do not pay; so many samples in a row have to say so. */
const leastCrowd = { times: 1.9, inARow: 2 } as const;

/** One sample in so many is taken with a single place, to learn what a statement takes alone. */
const samplesBetweenAlone = 32;

/**
 * The weight of a new sample with a single place against the earlier ones. A shorter time counts for half of it, since nothing
 * makes a statement faster than it is; a longer one only if it persists, since applications may be the cause.
 */
const belief = { less: 1 / 2, more: 1 / 128 } as const;

/**
 * Adapts the limit as TCP Vegas does its own: begins with few places and adds more, up to `placesMax`, as long as statements
 * do not slow each other. If each takes what one takes alone, it had a core, or waited for the network; if each takes twice
 * as long, half of them only wait, for each other or for applications.
 *
 * @param manner asked for each sample: it may change while it works
 */
export function adaptiveStatementLimiter(
  placesMax: number,
  manner: () => LimiterManner = () => 'usual',
): StatementLimiter {
  let places: number = Math.min(placesMax, manners[manner()].least);
  const limit = pLimit(places);
  let aloneMs: number | null = null;
  /** How many samples have to pass since a place was added in vain; null: as its manner has it. */
  let untilMore: number | null = null;
  let crowdedInARow = 0;
  /** Taken since the limit last changed. */
  let samples = 0;
  /** The last place was added, and it is not known yet whether it pays. */
  let isTry = places > 1;
  let sample = emptySample(0);

  const placesAfter = (ms: number, alone: number, isWanted: boolean): number => {
    const { least, room, crowd, patience: usualPatience } = manners[manner()];
    const isAtLeast = places <= least;
    crowdedInARow = ms > (isAtLeast ? leastCrowd.times : crowd) * alone ? crowdedInARow + 1 : 0;
    const isCrowded = crowdedInARow >= (isAtLeast ? leastCrowd.inARow : 1);
    const isDoubtful = crowdedInARow > 0 && !isCrowded;
    if (isTry && !isDoubtful)
      untilMore = isCrowded ? Math.min(patience.max, (untilMore ?? usualPatience) * patience.growth) : null;
    isTry &&= isDoubtful;
    if (isCrowded) return Math.max(1, places - 1);
    // Where nobody waits, another place would stay empty.
    const hasRoom = ms < room * alone && isWanted;
    return hasRoom && samples >= (untilMore ?? usualPatience) ? Math.min(placesMax, places + 1) : places;
  };

  /** Says how many places the next sample has. */
  const endOf = (ms: number, isWanted: boolean): number => {
    // In company none is faster than alone.
    if (limit.concurrency === 1 || ms < (aloneMs ?? 0)) aloneMs = believed(aloneMs, ms);
    if (aloneMs === null) return 1;
    if (limit.concurrency !== places) return places;
    samples += 1;
    const next = placesAfter(ms, aloneMs, isWanted);
    if (next > places) isTry = true;
    if (next !== places) {
      samples = 0;
      crowdedInARow = 0;
    }
    places = next;
    return samples % samplesBetweenAlone === samplesBetweenAlone - 1 ? 1 : places;
  };

  return {
    get places() {
      return limit.concurrency;
    },
    run: (statement) => limit(statement),
    took(items, bytes, ms) {
      if (sample.toSkip > 0) {
        sample.toSkip -= 1;
        return;
      }
      sample.times.push(ms / (items * recordBytes + bytes));
      if (limit.pendingCount > 0) sample.wanted += 1;
      if (sample.times.length < batchesPerPlace * limit.concurrency) return;
      const next = endOf(median(sample.times), sample.wanted > sample.times.length / 2);
      sample = emptySample(next === limit.concurrency ? 0 : limit.activeCount);
      limit.concurrency = next;
    },
  };
}

interface Sample {
  /** Batches that had the company of before: they tell nothing of what is now. */
  toSkip: number;
  readonly times: number[];
  /** After how many of them somebody waited for a place. */
  wanted: number;
}

function emptySample(underWay: number): Sample {
  return { toSkip: underWay, times: [], wanted: 0 };
}

function believed(before: number | null, ms: number): number {
  if (before === null) return ms;
  return before + (ms - before) * (ms < before ? belief.less : belief.more);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
