import pLimit from 'p-limit';

/**
 * Lets so many of the statements that read, write or prove records run at once, over all ranges of a process: while they
 * have the database's cores among them, an application's statements wait.
 */
export interface StatementLimiter {
  /** How many may run at once now. */
  readonly places: number;
  /** Runs a statement when there is a place for it, first come first served. */
  run<Result>(statement: () => Promise<Result>): Promise<Result>;
  /** What a committed batch took from sending to its answer. */
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
   * How many times what it takes alone a statement may take: below the first there is room for another, above the second
   * for one less.
   */
  readonly room: number;
  readonly crowd: number;
  /** Samples until one place more is tried. After a try that found no room it is `growth` times as many. */
  readonly patience: number;
}

const usual: Manner = { room: 1.2, crowd: 1.4, patience: 4 };
/**
 * Where sealing costs next to nothing, a worker with one statement under way waits for it most of the time: the second
 * is tried after the first sample, and may slow the first a little more.
 */
const eager: Manner = { room: 1.4, crowd: 1.6, patience: 1 };

const patience = { max: 64, growth: 4 } as const;

/** Every so many samples one has a single place, to know what a statement takes alone. */
const samplesBetweenAlone = 32;

/**
 * How far a sample alone is believed: less than before soon, since nothing makes a statement faster than it is; more only
 * if it stays so, since it may be what applications do.
 */
const belief = { less: 1 / 2, more: 1 / 128 } as const;

/**
 * Begins with one place, and goes up to `placesMax` as long as statements do not slow each other: where each takes what
 * one takes alone, there was a core for it, or it waited for the network; where each takes twice as long, half of them
 * only wait, for each other or for what applications do. TCP Vegas finds its window in this way.
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
  /** Since that many places there are. */
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
