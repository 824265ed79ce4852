import type { Dataset } from '../rig/dataset.ts';
import type { Rig } from '../rig/rig.ts';

/** One way of moving a tenant's records from one key to the next. */
export interface Contender {
  /** As it stands in tables and results. */
  readonly name: string;
  /** Does it once, in a database that is thrown away afterwards. What is outside `ms` is preparation. */
  run(task: Task): Promise<Run>;
}

export interface Task {
  readonly rig: Rig;
  readonly databaseUrl: string;
  readonly dataset: Dataset;
  /** When a contender that is too slow for all of the records stops. */
  readonly sampleMs: number;
  /** To be called when all is prepared, right before the clock starts. */
  prepared(): Promise<void>;
}

export interface Run {
  readonly records: number;
  readonly ms: number;
  readonly rssMaxBytes?: number | null;
  /** The memory towards the end over that in the middle: 1 when it is flat; null when the run was too short to tell. */
  readonly rssGrowth?: number | null;
}

/** A contender cannot run here; the message says why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** How long any one run may take before the benchmark gives up. */
export const runTimeoutMs = 3_600_000;
