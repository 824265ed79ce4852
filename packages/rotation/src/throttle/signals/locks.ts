import { quiet, type Reading, type Signal } from '../signal.ts';

/** Of the last so many batches, so many that met locks for 50 ms: the sweep slows, and stops. */
const lastBatches = 4;
const misses = { slow: 2, stop: 3 } as const;
/** Then the next is tried after so long, doubling while that meets locks again. */
const pauseMs = { first: 500, most: 4_000 } as const;

export interface LocksSignal extends Signal {
  /** A batch was written, or given up at first since records or the table were locked. */
  met(isLocked: boolean): void;
}

export function locksSignal(everyMs: number): LocksSignal {
  let recent: boolean[] = [];
  let untilMs = 0;
  let forMs: number = pauseMs.first;
  return {
    name: 'locks',
    everyMs,
    met(isLocked) {
      recent = [...recent.slice(1 - lastBatches), isLocked];
      const missed = recent.filter((was) => was).length;
      if (missed === 0) forMs = pauseMs.first;
      if (!isLocked || missed < misses.stop || performance.now() < untilMs) return;
      untilMs = performance.now() + forMs;
      forMs = Math.min(pauseMs.most, 2 * forMs);
    },
    async read(): Promise<Reading> {
      const missed = recent.filter((was) => was).length;
      const detail = `${missed} of the last ${recent.length} batches met records or tables that others keep locked`;
      if (performance.now() < untilMs) return { level: 'stop', detail };
      return missed >= misses.slow ? { level: 'slow', detail } : quiet;
    },
  };
}
