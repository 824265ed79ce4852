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
  /**
   * Multiples of the time that a statement takes alone: while one takes less than the first, a place is added; when one
   * takes more than the second, a place is removed.
   */
  readonly room: number;
  readonly crowd: number;
  /** How many samples pass before a place is added; after one that was too much, `growth` times as many. */
  readonly patience: number;
}

const usual: Manner = { room: 1.2, crowd: 1.4, patience: 4 };
/**
 * Where sealing costs next to nothing, a worker with one statement under way waits for it most of the time: the second
 * is tried after the first sample, and may slow the first a little more.
 */
const eager: Manner = { room: 1.4, crowd: 1.6, patience: 1 };

const patience = { max: 64, growth: 4 } as const;

/** One sample in so many is taken with a single place, to learn what a statement takes alone. */
const samplesBetweenAlone = 32;

/**
 * The weight of a new sample with a single place against the earlier ones. A shorter time counts for half of it, since nothing
 * makes a statement faster than it is; a longer one only if it persists, since applications may be the cause.
 */
const belief = { less: 1 / 2, more: 1 / 128 } as const;

/**
 * Adapts the limit as TCP Vegas does its own: begins with one place and adds more, up to `placesMax`, as long as statements
 * do not slow each other. If each takes what one takes alone, it had a core, or waited for the network; if each takes twice
 * as long, half of them only wait, for each other or for applications.
 *
 * @param isEager where sealing costs next to nothing and the machine has more than one core
 */
export function adaptiveStatementLimiter(
  placesMax: number,
  { isEager = false }: { isEager?: boolean } = {},
): StatementLimiter {
  const slowness = isEager ? eager : usual;
  const limit = pLimit(1);
  let places = 1;
  let aloneMs: number | null = null;
  let untilMore: number = slowness.patience;
  /** Taken since the limit last changed. */
  let samples = 0;
  let isTry = false;
  let sample = emptySample(0);

  const placesAfter = (ms: number, alone: number, isWanted: boolean): number => {
    const isCrowded = ms > slowness.crowd * alone;
    if (isTry)
      untilMore = isCrowded ? Math.min(patience.max, untilMore * patience.growth) : slowness.patience;
    if (isCrowded) return Math.max(1, places - 1);
    // Where nobody waits, another place would stay empty.
    const hasRoom = ms < slowness.room * alone && isWanted;
    return hasRoom && samples >= untilMore ? Math.min(placesMax, places + 1) : places;
  };

  /** Says how many places the next sample has. */
  const endOf = (ms: number, isWanted: boolean): number => {
    // In company none is faster than alone.
    if (limit.concurrency === 1 || ms < (aloneMs ?? 0)) aloneMs = believed(aloneMs, ms);
    if (aloneMs === null || limit.concurrency !== places) return places;
    samples += 1;
    const next = placesAfter(ms, aloneMs, isWanted);
    isTry = next > places;
    if (next !== places) samples = 0;
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
