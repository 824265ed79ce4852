import { type ConnectionBudget, createConnectionBudget } from '@rekey/db';

/** The least with which a worker works: one for heartbeats, one for steps, two to sweep, one to look beside them. */
export const connectionsMin = 5;

/**
 * What becomes of a worker's connections. Each part waits for its own only, first come first served: what takes long in
 * one of them keeps nothing in another from its turn.
 */
export interface WorkerConnections {
  readonly budget: ConnectionBudget;
  /** For heartbeats, drains, recovery and probes: never longer than a moment each. */
  readonly heartbeats: number;
  /** For a rotation's steps from one phase to the next; a count that is to be mended may take minutes. */
  readonly steps: number;
  /** For reading, writing and proving records. */
  readonly sweep: number;
}

/** From so many on, one heartbeat that waits for a lock holds up no other. */
const enoughForTwoHeartbeats = 8;

/** Small rotations have about as many statements of the one kind as of the other. */
const shareOfSteps = 4 / 9;

export function divideConnections(max: number): WorkerConnections {
  const budget = createConnectionBudget(max);
  const heartbeats = max < enoughForTwoHeartbeats ? 1 : 2;
  const rest = budget.pooled - heartbeats;
  const steps = Math.max(1, Math.floor(rest * shareOfSteps));
  return { budget, heartbeats, steps, sweep: rest - steps };
}
