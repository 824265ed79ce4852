import {
  beginVerifying,
  completeRotation,
  loadRunning,
  loadTargets,
  type OnRanges,
  type OpenRange,
  openRanges,
  planRanges,
  type RunningRotation,
  type Target,
} from '@rekey/store';
import { activate } from './activate.ts';
import type { RotationEnvironment } from './environment.ts';

/** A rotation whose fence is up, and what of it is still to be swept and proved. */
export interface Sweepable {
  readonly rotation: RunningRotation;
  readonly targets: ReadonlyMap<string, Target>;
  readonly ranges: readonly OpenRange[];
}

/**
 * Takes a rotation as far as its sweep: activated, fenced, planned. Every step may have been taken before, by this
 * or another worker. `onRanges` is told of ranges as they are cut, while the rest still is. Null: it is not running
 * any more.
 */
export async function prepareSweep(
  env: RotationEnvironment,
  rotationId: string,
  signal: AbortSignal,
  onRanges?: OnRanges,
): Promise<Sweepable | null> {
  const rotation = await loadRunning(env.store, rotationId);
  if (rotation === null || !(await activate(env, rotation, signal))) return null;
  const plan = { rotationId, tenantId: rotation.tenantId, newKeyNumber: rotation.newKeyNumber };
  await planRanges(env, plan, undefined, onRanges);
  return {
    rotation: { ...rotation, switched: true },
    targets: await targetsByName(env),
    ranges: await openRanges(env.store, rotationId),
  };
}

/** What a worker needs to sweep one range of it; null when the rotation is not being swept. */
export async function loadSweep(
  env: Pick<RotationEnvironment, 'store'>,
  rotationId: string,
): Promise<Omit<Sweepable, 'ranges'> | null> {
  const rotation = await loadRunning(env.store, rotationId);
  return rotation?.switched === true ? { rotation, targets: await targetsByName(env) } : null;
}

/**
 * - `completed`: proved and ended, by this call.
 * - `finished`: ended before, by whomever.
 * - `unproved`: there is still something to sweep.
 */
export type Conclusion = 'completed' | 'finished' | 'unproved';

/** Ends the rotation if everything is proved, and publishes its last snapshot. */
export async function conclude(env: RotationEnvironment, rotationId: string): Promise<Conclusion> {
  if (!(await beginVerifying(env.store, rotationId))) {
    return (await loadRunning(env.store, rotationId)) === null ? 'finished' : 'unproved';
  }
  const ended = await completeRotation(env.store, rotationId);
  switch (ended.kind) {
    case 'completed':
      env.publish(ended.snapshot);
      return 'completed';
    case 'finished':
      return 'finished';
    case 'not_proved':
      return 'unproved';
  }
}

async function targetsByName({ store }: Pick<RotationEnvironment, 'store'>): Promise<Map<string, Target>> {
  return new Map((await loadTargets(store)).map((target) => [target.name, target]));
}
