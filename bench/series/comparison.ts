import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Bench, Series } from '../bench.ts';
import { awsEncryptionSdk } from '../contenders/aws-encryption-sdk.ts';
import type { Contender } from '../contenders/contender.ts';
import { floorA, floorB } from '../contenders/floor.ts';
import { pgcryptoPgp, pgcryptoRaw } from '../contenders/pgcrypto.ts';
import { prismaSequence } from '../contenders/prisma-sequence.ts';
import { rowByRow } from '../contenders/row-by-row.ts';
import { sweepAlone } from '../contenders/sweep-alone.ts';
import { usualBatch } from '../contenders/usual-batch.ts';
import { wholeRotation } from '../contenders/whole-rotation.ts';
import { makeDataset } from '../rig/dataset.ts';
import { figure, interleave, type Measured, rates, ratios } from '../rounds.ts';
import type { Table } from '../table.ts';

const columns = [
  'records/s',
  '× floor A',
  '× row by row',
  '× usual batch',
  'HOT share',
  'WAL B/record',
  'growth',
];

const others = [prismaSequence, pgcryptoRaw, pgcryptoPgp, awsEncryptionSdk];

/** How fast, compared with everything else that could be done. */
export const comparison: Series = {
  name: 'comparison',
  quick: true,
  async run(bench) {
    const whole = bench.parameters.workers.flatMap((workers) => [wholeRotation(workers), ...before(workers)]);
    const contenders = bench.quick
      ? [floorA, ...whole, usualBatch, rowByRow]
      : [floorA, floorB, ...whole, sweepAlone, usualBatch, rowByRow, ...others];
    const measured = await measure(bench, contenders);
    const reference = (contender: Contender): Measured => found(measured, contender.name);
    return {
      name: 'comparison',
      title: 'Re-encrypting one tenant, against everything else',
      columns,
      rows: measured.map((contender) => ({
        label: contender.label,
        cells:
          contender.unavailable === null
            ? {
                'records/s': rates(contender),
                '× floor A': ratios(contender, reference(floorA)),
                '× row by row': ratios(contender, reference(rowByRow)),
                '× usual batch': ratios(contender, reference(usualBatch)),
                'HOT share': figure(contender, ({ hotShare }) => hotShare),
                'WAL B/record': figure(contender, ({ walBytes, records }) => walBytes / records),
                growth: figure(contender, (run) => run.tableBytesAfter / run.tableBytesBefore),
              }
            : { 'records/s': contender.unavailable },
      })),
      notes: [
        `One tenant of ${bench.parameters.records} records of ${bench.parameters.valueBytes} B, ids uuid v4, in a table with ${bench.parameters.bystanders} records of others per record of its own; medians of ${bench.parameters.rounds} interleaved rounds (min–max), ratios taken round by round.`,
        'All but Rekey work on a table without fence and label check.',
      ],
    } satisfies Table;
  },
};

/** BENCH_BEFORE names the folder of another checkout, of the same schema: its programs are measured in the same rounds. */
function before(workers: number): Contender[] {
  const { BENCH_BEFORE } = process.env;
  if (BENCH_BEFORE === undefined) return [];
  const name = `the checkout before, whole rotation, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
  return [wholeRotation(workers, { name, folder: pathToFileURL(`${resolve(BENCH_BEFORE)}/`) })];
}

async function measure(bench: Bench, contenders: readonly Contender[]): Promise<Measured[]> {
  const { parameters, rig, say } = bench;
  say(`seeding ${parameters.records} records`);
  const dataset = await makeDataset(rig, {
    records: parameters.records,
    valueBytes: parameters.valueBytes,
    bystanders: parameters.bystanders,
    idKind: 'uuid v4',
  });
  try {
    const entries = contenders.map((contender) => ({ contender, dataset }));
    return await interleave(bench, entries, parameters.rounds);
  } finally {
    await dataset.drop();
  }
}

function found(measured: readonly Measured[], label: string): Measured {
  const one = measured.find((candidate) => candidate.label === label);
  if (one === undefined) throw new Error(`${label} was not measured`);
  return one;
}
