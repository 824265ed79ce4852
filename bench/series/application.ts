import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '@rekey/stack';
import type { Bench, Series } from '../bench.ts';
import { benchTable, benchTarget, type Dataset, makeDataset } from '../rig/dataset.ts';
import { startInstallation } from '../rig/installation.ts';
import type { Row } from '../table.ts';

const entry = fileURLToPath(new URL('../programs/application.ts', import.meta.url));
const untilStoppedMs = 3_600_000;

/** What an application notices of a rotation that runs at full speed under its feet. */
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
    const database = await dataset.copy();
    const installation = await startInstallation(rig, { databaseUrl: database.url, workers: 1 });
    try {
      const idle = startApplication(bench, dataset, database.url, parameters.applicationMs);
      const atIdle = await resultOf(idle);
      const busy = startApplication(bench, dataset, database.url, untilStoppedMs);
      await busy.ready;
      const begun = performance.now();
      const rotationId = await installation.api.rotate(dataset.tenantId);
      await installation.api.completed(rotationId, 50, untilStoppedMs);
      const seconds = (performance.now() - begun) / 1_000;
      await busy.stop();
      const atFullSpeed = await resultOf(busy);
      return {
        name: 'application',
        title: "An application's reads and writes through the vault",
        columns: [
          'reads',
          'read p50 ms',
          'read p99 ms',
          'writes',
          'write p50 ms',
          'write p99 ms',
          'rotation records/s',
        ],
        rows: [
          toRow('no rotation', atIdle, null),
          toRow('while its tenant is rotated at full speed', atFullSpeed, dataset.records / seconds),
        ],
        notes: [
          `${parameters.applicationReadsPerSecond} reads and ${parameters.applicationWritesPerSecond} writes per second on the rotated tenant's own records, timed from when each was due; 1 worker, ${dataset.records} records.`,
        ],
      };
    } finally {
      await installation.stop();
      await database.drop();
      await dataset.drop();
    }
  },
};

function startApplication(
  { rig, parameters }: Bench,
  dataset: Dataset,
  databaseUrl: string,
  ms: number,
): RunningProcess {
  return startProcess({
    name: 'application',
    entry,
    readyLine: 'ready',
    env: {
      DATABASE_URL: databaseUrl,
      KEK_URI: rig.kek.uri,
      APP_TENANT: dataset.tenantId,
      APP_TARGET: benchTarget,
      APP_TABLE: benchTable,
      APP_READS_PER_SECOND: String(parameters.applicationReadsPerSecond),
      APP_WRITES_PER_SECOND: String(parameters.applicationWritesPerSecond),
      APP_VALUE_BYTES: String(parameters.valueBytes),
      APP_MS: String(ms),
    },
  });
}

interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

interface Result {
  readonly reads: Latencies;
  readonly writes: Latencies;
}

async function resultOf(process: RunningProcess): Promise<Result> {
  await process.exited;
  const last = process.logs().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the application failed: ${process.logs()}`);
  return JSON.parse(last) as Result; // the parsed edge: programs/application.ts
}

function toRow(label: string, { reads, writes }: Result, rate: number | null): Row {
  return {
    label,
    cells: {
      reads: reads.count,
      'read p50 ms': reads.p50,
      'read p99 ms': reads.p99,
      writes: writes.count,
      'write p50 ms': writes.p50,
      'write p99 ms': writes.p99,
      'rotation records/s': rate,
    },
  };
}
