import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '@rekey/stack';
import type { Bench } from '../bench.ts';
import { benchTable, benchTarget, type Dataset } from './dataset.ts';

const entry = fileURLToPath(new URL('../programs/application.ts', import.meta.url));

/**
 * An application that reads and writes the tenant's records for so long, or until it is stopped; with `clients`, as fast as so
 * many can, else at its pace.
 */
export function startApplication(
  { rig, parameters }: Bench,
  dataset: Dataset,
  databaseUrl: string,
  ms: number,
  clients = 0,
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
      APP_CLIENTS: String(clients),
      APP_MS: String(ms),
    },
  });
}

interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of what it did from when it was ready. */
export interface Result {
  readonly reads: Latencies;
  readonly writes: Latencies;
}

/** Waits for its end. Throws when it failed. */
export async function resultOf(process: RunningProcess): Promise<Result> {
  await process.exited;
  const last = process.logs().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`the application failed: ${process.logs()}`);
  return JSON.parse(last) as Result; // the parsed edge: programs/application.ts
}
