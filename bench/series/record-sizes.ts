import type { Bench, Series } from '../bench.ts';
import { floorA } from '../contenders/floor.ts';
import { wholeRotation } from '../contenders/whole-rotation.ts';
import { makeDataset } from '../rig/dataset.ts';
import { figure, interleave, rates, ratios } from '../rounds.ts';
import type { Row } from '../table.ts';

/** From where on bytes count and not records. */
export const recordSizes: Series = {
  name: 'record-sizes',
  quick: false,
  async run(bench) {
    const rows: Row[] = [];
    for (const valueBytes of bench.parameters.recordSizes) rows.push(await measure(bench, valueBytes));
    return {
      name: 'record-sizes',
      title: 'Record sizes',
      columns: ['records', 'records/s', 'MB/s', '× floor A', 'worker RSS MB', 'HOT share', 'WAL B/record'],
      rows,
      notes: [
        'Whole rotation, 1 worker, ids uuid v4. Above 2 KB Postgres keeps a record outside its page (TOAST).',
      ],
    };
  },
};

const megabyte = 1e6;

async function measure(bench: Bench, valueBytes: number): Promise<Row> {
  const { records: recordsMax, recordSizesBytesMax, rounds } = bench.parameters;
  const records = Math.min(recordsMax, Math.floor(recordSizesBytesMax / valueBytes));
  bench.say(`seeding ${records} records of ${valueBytes} B`);
  const dataset = await makeDataset(bench.rig, { records, valueBytes, bystanders: 0, idKind: 'uuid v4' });
  try {
    const entries = [wholeRotation(1), floorA].map((contender) => ({ contender, dataset }));
    const [ours, floor] = await interleave(bench, entries, rounds);
    if (ours === undefined || floor === undefined) throw new Error('nothing was measured');
    return {
      label: `${valueBytes} B`,
      cells: {
        records,
        'records/s': rates(ours),
        'MB/s': figure(ours, (run) => (run.records * valueBytes * 1_000) / run.ms / megabyte),
        '× floor A': ratios(ours, floor),
        'worker RSS MB': figure(ours, ({ rssMaxBytes }) => (rssMaxBytes ?? 0) / megabyte),
        'HOT share': figure(ours, ({ hotShare }) => hotShare),
        'WAL B/record': figure(ours, (run) => run.walBytes / run.records),
      },
    };
  } finally {
    await dataset.drop();
  }
}
