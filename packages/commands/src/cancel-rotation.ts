import { type CancelledRotation, cancelRotation as cancel } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { CancelledRotation };

export interface CancelRotation {
  readonly rotationId: string;
  /** For whoever reads its events. */
  readonly reason?: string;
}

/** Ends an unfinished rotation; everything stays readable. Needs no ticket: whoever works on it finds out. */
export async function cancelRotation(
  { store, snapshots }: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: CancelRotation,
): Promise<CancelledRotation> {
  const outcome = await cancel(store, rotationId, actor, reason ?? null);
  if (outcome.kind === 'cancelled') {
    const { version, view } = outcome;
    // Whoever polls must not read an older state from Redis than this caller is told.
    await snapshots.publish({ rotationId, tenantId: view.tenantId, version, final: true, view });
  }
  return outcome;
}
