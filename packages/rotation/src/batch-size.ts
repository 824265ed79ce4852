/** How many records go into the next committed batch. One per process: its ranges share what they measure. */
export interface BatchSize {
  readonly items: number;
  /** What a committed batch took from sending to its answer. */
  took(items: number, ms: number): void;
}

/** The same for every batch. */
export function fixedBatchSize(items: number): BatchSize {
  return { items, took: () => {} };
}

/**
 * A batch holds its records' locks until it commits, so an application may wait as long for one of them: the size
 * follows what batches take here, towards `aimMs`. Below `itemsMin` the cost of the commit itself dominates; above
 * `itemsMax` nothing is gained, and a worker's memory grows with its windows.
 */
export const measuredBatchSizes = { aimMs: 4, itemsMin: 200, itemsMax: 400, itemsAtFirst: 200 } as const;

/** Moves at most so far with one batch: one that met a checkpoint or a busy machine says little. */
const stepMax = 1.25;

export function measuredBatchSize(): BatchSize {
  const { aimMs, itemsMin, itemsMax, itemsAtFirst } = measuredBatchSizes;
  let size: number = itemsAtFirst;
  return {
    get items() {
      return Math.round(size);
    },
    took(items, ms) {
      // The last batch of a window may be smaller, and says nothing of a full one.
      if (items < size / 2) return;
      const step = Math.min(stepMax, Math.max(1 / stepMax, aimMs / Math.max(ms, 0.1)));
      size = Math.min(itemsMax, Math.max(itemsMin, size * step ** 0.5));
    },
  };
}
