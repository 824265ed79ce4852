import { quietSize } from './clients/records.ts';
import type { FaultKind } from './faults/kinds.ts';
import { type KmsServerKind, kmsServerKinds } from './faults/kms-server-kinds.ts';

/** What a run is made of. Everything in it is bounded. */
export interface Plan {
  readonly seed: number;
  /** How long faults are injected. */
  readonly durationMs: number;
  /** Kinds to leave out. */
  readonly without: readonly FaultKind[];
  /** Stop injecting when every kind was injected so often. */
  readonly roundsMax: number;
  readonly workers: number;
  /** Records of each tenant. */
  readonly tenants: readonly number[];
  readonly batchSize: number;
  /** Ranges that a worker sweeps at the same time. */
  readonly concurrency: number;
  readonly readers: number;
  readonly writers: number;
  /** A reader's and a writer's pause between two operations. */
  readonly readPauseMs: number;
  readonly writePauseMs: number;
  /** Pause between two faults of one lane. */
  readonly gapMs: readonly [number, number];
  /** How long a KMS is in trouble. */
  readonly kmsFaultMs: readonly [number, number];
  /** Whether KMSs refuse before they do anything else. */
  readonly refusalsFirst: boolean;
  /** After the last fault every accepted rotation and rewrap has to end within this. */
  readonly endWithinMs: number;
}

const shared = {
  workers: 3,
  batchSize: 50,
  concurrency: 2,
  writers: 6,
  writePauseMs: 60,
  gapMs: [300, 1_200],
} as const;

export function longPlan(seed: number, minutes: number): Plan {
  return {
    ...shared,
    seed,
    durationMs: minutes * 60_000,
    without: [],
    roundsMax: Number.POSITIVE_INFINITY,
    tenants: [15_000, 3_000, 1_000, 300, 85, quietSize, 17, 0],
    readers: 10,
    readPauseMs: 2,
    kmsFaultMs: [2_000, 6_000],
    refusalsFirst: false,
    // One that was refused again and again waits for longer each time.
    endWithinMs: 150_000,
  };
}

/** Each KMS twice, and each trouble of one. */
const shortOnes = new Set<KmsServerKind>([
  'aws-denied',
  'aws-silent',
  'gcp-disabled',
  'gcp-garbled',
  'azure-deleted',
  'azure-throttled',
  'transit-denied',
  'transit-sealed',
  'transit-slow',
  'hsm-away',
]);

/** Every kind once, but for what takes long by its nature and is like another one that is in it. */
export function shortPlan(seed: number): Plan {
  return {
    ...shared,
    seed,
    durationMs: 180_000, // on a slow machine; half of it is enough otherwise
    without: [
      'redis-down-15s',
      'freeze-worker',
      'clock-an-hour-behind',
      'rolling-restart',
      'redis-link-stalled',
      'postgres-link-black-hole',
      ...kmsServerKinds.filter((kind) => !shortOnes.has(kind)),
    ],
    roundsMax: 1,
    tenants: [12_000, 1_500, 300, 85, quietSize, 17, 0],
    readers: 6,
    readPauseMs: 5,
    kmsFaultMs: [1_500, 2_500],
    refusalsFirst: true,
    endWithinMs: 180_000,
  };
}

/**
 * For many kills in a row on one rotation. Every kill orphans the one range that a worker sweeps until its lease lapses:
 * there are more ranges than can be orphaned at a time, so that the rotation goes on meanwhile. Batches are so small that
 * it outlasts all the kills.
 */
export function killsPlan(seed: number): Plan {
  return { ...longPlan(seed, 30), workers: 2, tenants: [240_000], batchSize: 1, concurrency: 1 };
}
