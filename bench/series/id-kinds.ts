import type { Series } from '../bench.ts';
import { floorA } from '../contenders/floor.ts';
import { wholeRotation } from '../contenders/whole-rotation.ts';
import { makeDataset } from '../rig/dataset.ts';
import { idKinds } from '../rig/ids.ts';
import { type Entry, figure, interleave, rates, ratios } from '../rounds.ts';

/** Whether ids in the order of the heap cost anything: they crowd a batch on few pages. */
export const idKindsSeries: Series = {
  name: 'id-kinds',
  quick: false,
  async run(bench) {
    const { idKindRecords: records, valueBytes, rounds } = bench.parameters;
    const entries: Entry[] = [];
    try {
      for (const idKind of idKinds) {
        bench.say(`seeding ${records} records with ids ${idKind}`);
        const dataset = await makeDataset(bench.rig, { records, valueBytes, bystanders: 0, idKind });
        entries.push({ contender: wholeRotation(1), dataset, label: idKind });
        entries.push({ contender: floorA, dataset, label: `${idKind}: floor A` });
      }
      const measured = await interleave(bench, entries, rounds);
      const ours = measured.filter((_, i) => i % 2 === 0);
      return {
        name: 'id-kinds',
        title: 'Kinds of ids',
        columns: ['records/s', '× uuid v4', '× floor A of the same', 'HOT share', 'growth'],
        rows: ours.map((kind, i) => ({
          label: kind.label,
          cells: {
            'records/s': rates(kind),
            '× uuid v4': ratios(kind, ours[0] ?? kind),
            '× floor A of the same': ratios(kind, measured[2 * i + 1] ?? kind),
            'HOT share': figure(kind, ({ hotShare }) => hotShare),
            growth: figure(kind, (run) => run.tableBytesAfter / run.tableBytesBefore),
          },
        })),
        notes: [`Whole rotation, 1 worker, ${records} records of ${valueBytes} B, no others in the table.`],
      };
    } finally {
      for (const { dataset } of entries.filter((_, i) => i % 2 === 0)) await dataset.drop();
    }
  },
};
