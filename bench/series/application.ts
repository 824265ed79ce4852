import type { Bench, Series } from '../bench.ts';
import { type Result, resultOf, startApplication } from '../rig/application.ts';
import { benchTable, type Dataset, makeDataset } from '../rig/dataset.ts';
import { startInstallation } from '../rig/installation.ts';
import { watchTable } from '../rig/table-state.ts';
import { type Figure, figureOf } from '../stats.ts';
import type { Row } from '../table.ts';

const untilStoppedMs = 3_600_000;

/** What an application notices of a rotation that runs under its feet, at full speed and held back. */
export const application: Series = {
  name: 'application',
  quick: false,
  async run(bench) {
    const { parameters, rig } = bench;
    bench.say(`seeding ${parameters.applicationRecords} records`);
    const dataset = await makeDataset(rig, {
      records: parameters.applicationRecords,
      valueBytes: parameters.valueBytes,
      bystanders: 0,
      idKind: 'uuid v4',
    });
    try {
      const rounds: Round[] = [];
      for (let round = 1; round <= parameters.applicationRounds; round += 1) {
        const full = await watch(bench, dataset, {});
        const heldBack = await watch(bench, dataset, {
          ITEMS_PER_SECOND_MAX: String(Math.round(full.recordsPerSecond * parameters.applicationThrottle)),
        });
        rounds.push({ full, heldBack });
        bench.say(
          `round ${round}: read p99 ${full.idle.reads.p99.toFixed(1)} ms idle, ${full.busy.reads.p99.toFixed(1)} ms at full speed`,
        );
      }
      return {
        name: 'application',
        title: "An application's reads and writes through the vault",
        columns: [
          'read p50 ms',
          'read p99 ms',
          '× idle',
          'write p50 ms',
          'write p99 ms',
          'write × idle',
          'rotation records/s',
        ],
        rows: [
          toRow('no rotation', rounds, ({ full }) => ({ ...full, busy: full.idle, recordsPerSecond: null })),
          toRow('while its tenant is rotated at full speed', rounds, ({ full }) => full),
          toRow(
            `the same, held back to ${parameters.applicationThrottle} of that`,
            rounds,
            ({ heldBack }) => heldBack,
          ),
        ],
        notes: [
          `${parameters.applicationReadsPerSecond} reads and ${parameters.applicationWritesPerSecond} writes per second on the rotated tenant's own records, timed from when each was due, by an application that was at work for 3 s before; 1 worker, default settings but ITEMS_PER_SECOND_MAX where it is held back, ${dataset.records} records, ${parameters.applicationRounds} rounds. × idle: p99 over the p99 without rotation, right before in the same round.`,
        ],
      };
    } finally {
      await dataset.drop();
    }
  },
};

/** An application before and during a rotation. */
export interface Watched {
  readonly idle: Result;
  readonly busy: Result;
  readonly recordsPerSecond: number;
}

interface Round {
  readonly full: Watched;
  readonly heldBack: Watched;
}

export async function watch(
  bench: Bench,
  dataset: Dataset,
  workerEnv: Readonly<Record<string, string>>,
): Promise<Watched> {
  const { rig, parameters } = bench;
  const database = await dataset.copy();
  const installation = await startInstallation(rig, { databaseUrl: database.url, workers: 1, workerEnv });
  try {
    return await watchTable(database.url, benchTable, async (prepared) => {
      await prepared();
      const idle = await resultOf(startApplication(bench, dataset, database.url, parameters.applicationMs));
      const process = startApplication(bench, dataset, database.url, untilStoppedMs);
      await process.ready;
      const begun = performance.now();
      const rotationId = await installation.api.rotate(dataset.tenantId);
      await installation.api.completed(rotationId, 50, untilStoppedMs);
      const seconds = (performance.now() - begun) / 1_000;
      await process.stop();
      return { idle, busy: await resultOf(process), recordsPerSecond: dataset.records / seconds };
    });
  } finally {
    await installation.stop();
    await database.drop();
  }
}

function toRow(
  label: string,
  rounds: readonly Round[],
  of: (round: Round) => Omit<Watched, 'recordsPerSecond'> & { readonly recordsPerSecond: number | null },
): Row {
  const watched = rounds.map(of);
  const figure = (value: (one: (typeof watched)[number]) => number): Figure => figureOf(watched.map(value));
  const rates = watched.flatMap(({ recordsPerSecond }) => recordsPerSecond ?? []);
  return {
    label,
    cells: {
      'read p50 ms': figure(({ busy }) => busy.reads.p50),
      'read p99 ms': figure(({ busy }) => busy.reads.p99),
      '× idle': figure(({ busy, idle }) => busy.reads.p99 / idle.reads.p99),
      'write p50 ms': figure(({ busy }) => busy.writes.p50),
      'write p99 ms': figure(({ busy }) => busy.writes.p99),
      'write × idle': figure(({ busy, idle }) => busy.writes.p99 / idle.writes.p99),
      'rotation records/s': rates.length === 0 ? null : figureOf(rates),
    },
  };
}
