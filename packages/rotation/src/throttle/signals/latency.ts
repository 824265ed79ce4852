import { quiet, type Reading, type Signal } from '../signal.ts';

/**
 * The sweep's own batches, a few hundred records each: they take milliseconds. When the usual one takes a tenth of a second
 * and five times what the quickest took, disk or processors have no room, whoever fills them.
 */
const slowMs = 100;
const timesQuickest = 5;
const samplesMin = 3;

export interface LatencySignal extends Signal {
  /** A batch was written. */
  took(ms: number): void;
}

export function latencySignal(everyMs: number): LatencySignal {
  let quickestMs = Number.POSITIVE_INFINITY;
  let times: number[] = [];
  return {
    name: 'latency',
    everyMs,
    took(ms) {
      if (times.length < 1_000) times.push(ms);
      if (ms < quickestMs) quickestMs = ms;
    },
    async read(): Promise<Reading> {
      const taken = times.toSorted((a, b) => a - b);
      times = [];
      const usual = taken[taken.length >> 1] ?? 0;
      if (taken.length < samplesMin || usual < slowMs || usual < timesQuickest * quickestMs) return quiet;
      return {
        level: 'slow',
        detail: `batches take ${Math.round(usual)} ms, the quickest took ${quickestMs.toFixed(1)}`,
      };
    },
  };
}
