import type { ReadPressure } from '../pressure.ts';
import { quiet, type Reading, type Signal, Unreadable } from '../signal.ts';

/** What a new look counts for against those before: about the last two seconds. */
const belief = 1 / 8;

/** Once it yields, it does until there are so many fewer: an average at the limit is not told again and again. */
const ebb = 0.7;

/**
 * How many statements of others are under way, on average. From a quarter of the processors on they would notice a sweep
 * that takes what it can, so it yields. It never stops for that: beside a busy application it would not end.
 */
export function loadSignal(pressure: ReadPressure, everyMs: number, sessionsMax: number): Signal {
  let average = 0;
  let isBusy = false;
  return {
    name: 'load',
    everyMs,
    async read(): Promise<Reading> {
      const { activeSessions } = await pressure();
      if (activeSessions === null)
        throw new Unreadable(
          'the owner of the schema is no member of pg_monitor, so sessions are not to be seen',
        );
      average += (activeSessions - average) * belief;
      isBusy = average >= (isBusy ? sessionsMax * ebb : sessionsMax);
      if (!isBusy) return quiet;
      return {
        level: 'slow',
        detail: `applications have ${average.toFixed(1)} statements under way on average; below ${sessionsMax} the sweep takes what it can`,
      };
    },
  };
}
