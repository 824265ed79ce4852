import type { Parameters } from './parameters.ts';
import type { Rig } from './rig/rig.ts';
import type { Table } from './table.ts';

/** What a series is given. */
export interface Bench {
  readonly rig: Rig;
  readonly parameters: Parameters;
  /** Whether to leave out what does not decide anything. */
  readonly quick: boolean;
  /** Says what is going on, on stderr. */
  readonly say: (line: string) => void;
}

/** A question, and the measurement that answers it. */
export interface Series {
  readonly name: string;
  /** Whether `--quick` asks it too. */
  readonly quick: boolean;
  run(bench: Bench): Promise<Table>;
}
