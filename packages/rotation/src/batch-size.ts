/** How many records go into the next committed batch. One per process: its ranges share what they measure. */
export interface BatchSize {
  readonly items: number;
  /** Records are slow to write here, however few at once. */
  readonly isSlow: boolean;
  /** What a committed batch took from sending to its answer. */
  took(items: number, ms: number): void;
}

/** The same for every batch. */
export function fixedBatchSize(items: number): BatchSize {
  return { items, isSlow: false, took: () => {} };
}

/**
 * A batch holds its records' locks until it commits, so an application may wait as long for one of them: the size
 * follows what batches take here, towards `aimMs`. Below `itemsMin` the cost of the commit itself dominates; above
 * `itemsMax` nothing is gained, and a worker's memory grows with its windows. Where records themselves are slow, as under
 * a trigger of the application, even `itemsMin` of them would hold their locks for long: `slowMs` comes before it.
 */
export const measuredBatchSizes = {
  aimMs: 4,
  itemsMin: 200,
  itemsMax: 400,
  itemsAtFirst: 25, // nobody knows yet what is slow here; doubled until itemsMin
  slowMs: 100,
} as const;

/** Moves at most so far with one batch: one that met a checkpoint or a busy machine says little. */
const stepMax = 1.25;

export function measuredBatchSize(): BatchSize {
  const { aimMs, itemsMin, itemsMax, itemsAtFirst, slowMs } = measuredBatchSizes;
  let size: number = itemsAtFirst;
  let isSlow = false;
  return {
    get items() {
      return Math.round(size);
    },
    get isSlow() {
      return isSlow;
    },
    took(items, ms) {
      const within = (items * slowMs) / Math.max(ms, 0.1);
      if (isSlow && within >= itemsMin) isSlow = false;
      // The last batch of a window may be smaller, and says nothing of a full one.
      if (items < Math.round(size) / 2) return;
      if (ms > slowMs) {
        // At once, but not by what one batch says alone.
        if (within < itemsMin / 2) isSlow = true;
        size = Math.min(size, Math.max(1, items / 2, within / 2));
        return;
      }
      if (size < itemsMin) {
        // So many as take half of it, and no more than double.
        size = Math.min(itemsMin, size * 2, Math.max(size, within / 2));
        return;
      }
      const step = Math.min(stepMax, Math.max(1 / stepMax, aimMs / Math.max(ms, 0.1)));
      size = Math.min(itemsMax, Math.max(itemsMin, size * step ** 0.5));
    },
  };
}
