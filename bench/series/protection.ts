import type { Bench, Series } from '../bench.ts';
import { resultOf, startApplication } from '../rig/application.ts';
import { type Dataset, makeDataset } from '../rig/dataset.ts';
import { type Figure, figureOf } from '../stats.ts';
import type { Row } from '../table.ts';
import { type Watched, watch } from './application.ts';

/** Enough that all of its connections are in use. */
const clients = 20;

/** What an application at half of its saturation notices of a rotation, with the sweep's protection and without. */
export const protection: Series = {
  name: 'protection',
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
      const most = await saturation(bench, dataset);
      const half = {
        ...bench,
        parameters: {
          ...parameters,
          applicationReadsPerSecond: Math.round(most * 0.4),
          applicationWritesPerSecond: Math.round(most * 0.1),
        },
      };
      bench.say(`saturated at ${Math.round(most)} operations per second`);
      const rounds: Array<{ without: Watched; with: Watched }> = [];
      for (let round = 1; round <= parameters.applicationRounds; round += 1) {
        const without = await watch(half, dataset, { THROTTLE: 'off' });
        const protectedOne = await watch(half, dataset, {});
        rounds.push({ without, with: protectedOne });
        for (const [name, { idle, busy, recordsPerSecond }] of [
          ['off', without],
          ['on', protectedOne],
        ] as const)
          bench.say(
            `round ${round}, ${name}: read p99 ${idle.reads.p99.toFixed(1)} → ${busy.reads.p99.toFixed(1)} ms, write p99 ${idle.writes.p99.toFixed(1)} → ${busy.writes.p99.toFixed(1)} ms, ${Math.round(recordsPerSecond)} records/s`,
          );
      }
      return {
        name: 'protection',
        title: 'An application at half of its saturation beside a rotation',
        columns: ['read p99 idle', 'read p99 ms', 'write p99 idle', 'write p99 ms', 'rotation records/s'],
        rows: [
          toRow(
            'without protection',
            rounds.map(({ without }) => without),
          ),
          toRow(
            'with protection',
            rounds.map((round) => round.with),
          ),
        ],
        notes: [
          `${Math.round(most * 0.4)} reads and ${Math.round(most * 0.1)} writes per second on the rotated tenant's records, half of what ${clients} clients reach alone in the same proportion; 1 worker, default settings but THROTTLE, ${dataset.records} records, ${parameters.applicationRounds} rounds in turn; idle: right before, in the same round.`,
        ],
      };
    } finally {
      await dataset.drop();
    }
  },
};

/** Operations per second of as many clients as there are connections, with nothing beside them. */
async function saturation(bench: Bench, dataset: Dataset): Promise<number> {
  const database = await dataset.copy();
  try {
    const ms = bench.parameters.applicationMs;
    const { reads, writes } = await resultOf(startApplication(bench, dataset, database.url, ms, clients));
    return ((reads.count + writes.count) * 1_000) / ms;
  } finally {
    await database.drop();
  }
}

function toRow(label: string, watched: readonly Watched[]): Row {
  const figure = (value: (one: Watched) => number): Figure => figureOf(watched.map(value));
  return {
    label,
    cells: {
      'read p99 idle': figure(({ idle }) => idle.reads.p99),
      'read p99 ms': figure(({ busy }) => busy.reads.p99),
      'write p99 idle': figure(({ idle }) => idle.writes.p99),
      'write p99 ms': figure(({ busy }) => busy.writes.p99),
      'rotation records/s': figure(({ recordsPerSecond }) => recordsPerSecond),
    },
  };
}
