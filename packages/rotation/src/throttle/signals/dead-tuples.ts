import type { ReadPressure } from '../pressure.ts';
import { quiet, type Reading, type Signal } from '../signal.ts';

/**
 * One sweep leaves at most one dead version of each record behind, which autovacuum removes. More than two dead for each
 * live one are more than sweeps make: it does not keep up, and the table swells. It only yields: a table whose vacuum is
 * turned off would stop it for ever.
 */
const deadPerLive = 2;
/** In a small table that is no trouble. */
const deadMin = 100_000;

export function deadTuplesSignal(pressure: ReadPressure, everyMs: number): Signal {
  return {
    name: 'dead_tuples',
    everyMs,
    async read(): Promise<Reading> {
      const swollen = (await pressure()).tables.find(
        ({ live, dead }) => dead > deadMin && dead > deadPerLive * live,
      );
      if (swollen === undefined) return quiet;
      const { name, dead, live } = swollen;
      return {
        level: 'slow',
        detail: `${name} has ${dead} dead rows beside ${live} live ones: vacuum does not keep up`,
      };
    },
  };
}
