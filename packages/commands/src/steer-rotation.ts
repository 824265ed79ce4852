import { pauseRotation as pause, resumeRotation as resume, type SteeredRotation } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { SteeredRotation };

export interface SteerRotation {
  readonly rotationId: string;
  /** For whoever reads its events, and while it is paused for whoever follows it. */
  readonly reason?: string;
}

/** Holds an unfinished rotation where it stands; whoever works on it finds out at its next batch. */
export async function pauseRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: SteerRotation,
): Promise<SteeredRotation> {
  const outcome = await pause(dependencies.store, rotationId, { actor, reason: reason ?? null });
  await publish(dependencies, outcome);
  return outcome;
}

/** Lets a paused rotation run again, and brings a worker sooner than recovery would. */
export async function resumeRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: SteerRotation,
): Promise<SteeredRotation> {
  const outcome = await resume(dependencies.store, rotationId, { actor, reason: reason ?? null });
  await publish(dependencies, outcome);
  if (outcome.kind === 'changed')
    await dependencies.ticketQueue.enqueue({ rotationId, tenantId: outcome.view.tenantId });
  return outcome;
}

/** Whoever polls must not read an older state from Redis than this caller is told. */
async function publish({ snapshots }: CommandDependencies, outcome: SteeredRotation): Promise<void> {
  if (outcome.kind !== 'changed') return;
  const { view, version } = outcome;
  await snapshots.publish({ rotationId: view.id, tenantId: view.tenantId, version, final: false, view });
}
