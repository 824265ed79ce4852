import type { Bench, Series } from '../bench.ts';
import { wholeRotation } from '../contenders/whole-rotation.ts';
import { makeDataset } from '../rig/dataset.ts';
import { figure, interleave, rates } from '../rounds.ts';
import type { Row } from '../table.ts';

/** Whether a tenant of any size goes as fast, in the same memory. */
export const sizes: Series = {
  name: 'sizes',
  quick: false,
  async run(bench) {
    const rows: Row[] = [];
    for (const records of bench.parameters.sizes) rows.push(await measure(bench, records));
    return {
      name: 'sizes',
      title: 'Tenant sizes',
      columns: [
        'seconds',
        'records/s',
        'worker RSS MB',
        'RSS growth',
        'table MB before',
        'table MB after',
        'WAL B/record',
      ],
      rows,
      notes: [
        `Whole rotation, 1 worker, records of ${bench.parameters.valueBytes} B, ids uuid v4. RSS growth: the worker's memory in the last third of a run over that in its middle third.`,
      ],
    };
  },
};

/** Large ones take long and vary little. */
const recordsForOneRound = 5_000_000;
const megabyte = 1e6;

async function measure(bench: Bench, records: number): Promise<Row> {
  const { valueBytes, rounds } = bench.parameters;
  bench.say(`seeding ${records} records`);
  const dataset = await makeDataset(bench.rig, { records, valueBytes, bystanders: 0, idKind: 'uuid v4' });
  try {
    const turns = records >= recordsForOneRound ? 1 : rounds;
    const [measured] = await interleave(bench, [{ contender: wholeRotation(1), dataset }], turns);
    if (measured === undefined) throw new Error('nothing was measured');
    return {
      label: String(records),
      cells: {
        seconds: figure(measured, ({ ms }) => ms / 1_000),
        'records/s': rates(measured),
        'worker RSS MB': figure(measured, ({ rssMaxBytes }) =>
          rssMaxBytes === null || rssMaxBytes === undefined ? null : rssMaxBytes / megabyte,
        ),
        'RSS growth': figure(measured, ({ rssGrowth }) => rssGrowth),
        'table MB before': figure(measured, (run) => run.tableBytesBefore / megabyte),
        'table MB after': figure(measured, (run) => run.tableBytesAfter / megabyte),
        'WAL B/record': figure(measured, (run) => run.walBytes / run.records),
      },
    };
  } finally {
    await dataset.drop();
  }
}
