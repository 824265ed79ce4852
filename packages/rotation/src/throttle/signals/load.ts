import type { ReadPressure } from '../pressure.ts';
import { quiet, type Reading, type Signal, Unreadable } from '../signal.ts';

/** What a new look counts for against those before: about the last two seconds. */
const belief = 1 / 8;

/** Looks before a pause as long tell nothing of now. */
const forgottenAfterMs = 5_000;

/** Once it yields, it does until there are so many fewer: an average at the limit is not told again and again. */
const ebb = 0.7;

/**
 * How many statements of others are under way, on average. From a twentieth of the processors on they notice a sweep that
 * takes what it can, so it yields. It never stops for that: beside a busy application it would not end.
 */
export function loadSignal(pressure: ReadPressure, everyMs: number, sessionsMax: number): Signal {
  let average = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  return {
    name: 'load',
    everyMs,
    async read(): Promise<Reading> {
      const { activeSessions } = await pressure();
      if (activeSessions === null)
        throw new Unreadable(
          'the owner of the schema is no member of pg_monitor, or track_activities is off, so sessions are not to be seen',
        );
      const nowMs = performance.now();
      const isFirst = nowMs - readAtMs > forgottenAfterMs;
      average = isFirst ? activeSessions : average + (activeSessions - average) * belief;
      readAtMs = nowMs;
      isBusy = average >= (isBusy && !isFirst ? sessionsMax * ebb : sessionsMax);
      if (!isBusy) return quiet;
      return {
        level: 'slow',
        detail: `applications have ${average.toFixed(2)} statements under way on average; below ${sessionsMax} the sweep takes what it can`,
      };
    },
  };
}
