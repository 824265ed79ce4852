import type { Bench } from './bench.ts';
import { type Contender, type Run, Unavailable } from './contenders/contender.ts';
import { benchTable, type Dataset } from './rig/dataset.ts';
import { type TableChange, watchTable } from './rig/table-state.ts';
import { type Figure, figureOf } from './stats.ts';

/** A contender on a data set: under which label, and whether it is sampled in time. */
export interface Entry {
  readonly contender: Contender;
  readonly dataset: Dataset;
  readonly label?: string;
}

export interface Measured {
  readonly label: string;
  readonly runs: ReadonlyArray<Run & TableChange>;
  /** Why there is no run. */
  readonly unavailable: string | null;
}

/**
 * Runs every entry once per round, one after the other, each on a fresh copy of its data set on the same server: what
 * slows the machine down for a while slows all of them down.
 */
export async function interleave(
  bench: Bench,
  entries: readonly Entry[],
  rounds: number,
): Promise<Measured[]> {
  const measured = entries.map(({ contender, label }) => ({
    label: label ?? contender.name,
    runs: [] as (Run & TableChange)[],
    unavailable: nothing,
  }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [i, entry] of entries.entries()) {
      const here = measured[i];
      if (here === undefined || here.unavailable !== null) continue;
      try {
        const run = await runOnce(bench, entry);
        here.runs.push(run);
        bench.say(`round ${round}: ${here.label}: ${Math.round(rateOf(run))} records/s`);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        here.unavailable = error.message;
        bench.say(`skipped: ${here.label}: ${error.message}`);
      }
    }
  }
  return measured;
}

const nothing: string | null = null;

async function runOnce(bench: Bench, { contender, dataset }: Entry): Promise<Run & TableChange> {
  const { rig, parameters } = bench;
  const database = await dataset.copy();
  try {
    return await watchTable(database.url, benchTable, (prepared) =>
      contender.run({ rig, databaseUrl: database.url, dataset, sampleMs: parameters.sampleMs, prepared }),
    );
  } finally {
    await database.drop();
  }
}

function rateOf({ records, ms }: Run): number {
  return (records * 1_000) / ms;
}

export function rates({ runs }: Measured): Figure | null {
  return runs.length === 0 ? null : figureOf(runs.map(rateOf));
}

/** The ratio round by round, so that what slowed a whole round down cancels out. */
export function ratios(of: Measured, to: Measured): Figure | null {
  const values = of.runs.flatMap((run, i) => {
    const other = to.runs[i];
    return other === undefined ? [] : [rateOf(run) / rateOf(other)];
  });
  return values.length === 0 ? null : figureOf(values);
}

export function figure(
  { runs }: Measured,
  value: (run: Run & TableChange) => number | null | undefined,
): Figure | null {
  const values = runs.flatMap((run) => value(run) ?? []);
  return values.length === 0 ? null : figureOf(values);
}
