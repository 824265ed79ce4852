import { beginVerifying, loadRunning, type RunningRotation } from '@rekey/control';
import { loadTargets, type OpenRange, type Target, type TargetTrouble } from '@rekey/data';
import type { Dek } from '@rekey/keyring';
import { activate } from './activate.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
import type { Outcome } from './outcome.ts';
import { type OnRanges, planRanges } from './plan-ranges.ts';
import { stepsOf } from './steps.ts';
import { IntegrityTrouble } from './trouble.ts';

/** A rotation whose fence is up, and what of it is still to be swept and proved. */
export interface Sweepable {
  readonly rotation: RunningRotation;
  readonly targets: ReadonlyMap<string, Target>;
  readonly ranges: readonly OpenRange[];
  /** What kept a target from being planned: to be thrown once everything else is swept. */
  readonly trouble: TargetTrouble | null;
  /** Its new DEK, from a row that was read since the switch; null: there is none any more. */
  readonly newDek?: Promise<Dek | null>;
}

export interface PrepareOptions {
  /** Told of ranges as they are cut, while the rest still is. */
  readonly onRanges?: OnRanges | undefined;
  /** With at most so many records the ranges come claimed, for `sweepHere`. */
  readonly claimItemsMax?: number;
}

/**
 * Takes a rotation as far as its sweep: activated, fenced, planned. Every step may have been taken before, by this
 * or another worker. Null: it is not running any more.
 */
export async function prepareSweep(
  env: RotationEnvironment,
  rotationId: string,
  signal: AbortSignal,
  { onRanges, claimItemsMax = -1 }: PrepareOptions = {},
): Promise<Sweepable | null> {
  const rotation = await stepsOf(env).takeUp(rotationId);
  if (rotation === null) return null;
  const { tenantId, switched, materialStored } = rotation;
  if (!switched && !materialStored) env.onEvent?.({ kind: 'started', rotationId, tenantId });
  const activated = await activate(env, rotation);
  if (activated === null) return null;
  // While it is planned: whoever plans to sweep it needs it next.
  const newDek = claimItemsMax < 0 ? undefined : fetchNewDek(env, tenantId, rotation.newDekId);
  newDek?.catch(() => {}); // whoever sweeps is told
  const plan = {
    rotationId,
    tenantId,
    newKeyNumber: rotation.newKeyNumber,
    isJustSwitched: !switched,
    claimItemsMax,
    ...activated,
    signal,
  };
  const { targets, ranges, trouble } = await planRanges(env, plan, undefined, onRanges);
  return {
    rotation: { ...rotation, switched: true },
    targets: byName(targets),
    ranges,
    trouble,
    ...(newDek === undefined ? {} : { newDek }),
  };
}

/** What a worker needs to sweep one range of it; null when the rotation is not being swept. */
export async function loadSweep(
  env: Pick<RotationEnvironment, 'store'>,
  rotationId: string,
): Promise<Omit<Sweepable, 'ranges' | 'trouble'> | null> {
  const rotation = await loadRunning(env.store, rotationId);
  return rotation?.switched === true ? { rotation, targets: byName(await loadTargets(env.store)) } : null;
}

/** What became of a rotation's end: it is completed by this call, has ranges left to prove, or had ended before. */
export type Conclusion = Extract<Outcome, 'done' | 'left' | 'lost'>;

/**
 * Ends the rotation if everything is proved (throws {@link IntegrityTrouble} where that is in doubt), and publishes its last
 * snapshot; for whoever proved one range of it.
 */
export async function conclude(env: RotationEnvironment, rotationId: string): Promise<Conclusion> {
  if (await beginVerifying(env.store, rotationId)) return concludeHere(env, rotationId);
  return (await loadRunning(env.store, rotationId)) === null ? 'lost' : 'left';
}

/** The same where all of it was swept and proved by one job: nobody has to be told that it is verifying now. */
export async function concludeHere(env: RotationEnvironment, rotationId: string): Promise<Conclusion> {
  const ended = await stepsOf(env).complete(rotationId);
  switch (ended.kind) {
    case 'completed':
      env.publish(ended.snapshot);
      for (const what of ended.mended) env.onMended?.(rotationId, what);
      env.onEvent?.({ kind: 'completed', view: ended.snapshot.view });
      return 'done';
    case 'finished':
      return 'lost';
    case 'not_proved':
      return 'left';
    case 'doubted':
      throw new IntegrityTrouble(ended.problems);
  }
}

function byName(targets: readonly Target[]): Map<string, Target> {
  return new Map(targets.map((target) => [target.name, target]));
}
