import { randomUUID } from 'node:crypto';
import {
  cancelRotation as cancel,
  type IdempotencyKey,
  type LimitedRotation,
  limitRotation as limit,
  type NotHeldBack,
  type OpenHours,
  pauseRotation as pause,
  type RetriedRotation,
  resumeRotation as resume,
  retryRotation as retry,
  type SteeredRotation,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { LimitedRotation, RetriedRotation, SteeredRotation };
export type PausedRotation = SteeredRotation | NotHeldBack;

export interface SteerRotation {
  readonly rotationId: string;
  /** For whoever reads its events, and while it is paused for whoever follows it. */
  readonly reason?: string;
}

export interface RetryRotation extends SteerRotation {
  /** Whose it is. */
  readonly tenantId: string;
  /** Of a call that may come again, and is then to be answered as it was. */
  readonly idempotency?: IdempotencyKey;
}

export interface LimitRotation extends SteerRotation {
  /** Over all workers; null: as many as they can; absent: as it is. */
  readonly itemsPerSecondMax?: number | null | undefined;
  /** Outside of which it stands still; null: it never does for that; absent: as they are. */
  readonly windows?: readonly OpenHours[] | null | undefined;
  /** Whether the actor may raise or lift a limit, and change windows, that stand. */
  readonly mayRaise: boolean;
}

/** Ends an unfinished rotation; everything stays readable. Whoever works on it finds out. */
export async function cancelRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: SteerRotation,
): Promise<SteeredRotation> {
  const outcome = await cancel(dependencies.store, rotationId, { actor, reason: reason ?? null });
  return told(dependencies, outcome, { brings: 'nobody' });
}

/** Holds an unfinished rotation where it stands; whoever works on it finds out at its next batch. */
export async function pauseRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: SteerRotation,
): Promise<PausedRotation> {
  const outcome = await pause(dependencies.store, rotationId, { actor, reason: reason ?? null });
  return told(dependencies, outcome, { brings: 'nobody' });
}

/** Lets a paused rotation run again, and brings a worker sooner than recovery would. */
export async function resumeRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason }: SteerRotation,
): Promise<SteeredRotation> {
  const outcome = await resume(dependencies.store, rotationId, { actor, reason: reason ?? null });
  return told(dependencies, outcome, { brings: 'a worker' });
}

/** Begins a new rotation that sweeps what this one left, to the same DEK, and brings a worker. */
export async function retryRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, tenantId, reason, idempotency }: RetryRotation,
): Promise<RetriedRotation> {
  const outcome = await retry(dependencies.store, {
    rotationId: randomUUID(),
    earlierId: rotationId,
    tenantId,
    actor,
    reason: reason ?? null,
    idempotency: idempotency ?? null,
  });
  return told(dependencies, outcome, { brings: 'a worker' });
}

/** Holds an unfinished rotation back, or lets it go faster; whoever works on it finds out within a second. */
export async function limitRotation(
  dependencies: CommandDependencies,
  actor: Actor,
  { rotationId, reason, ...wanted }: LimitRotation,
): Promise<LimitedRotation> {
  const order = { ...wanted, actor, reason: reason ?? null };
  const outcome = await limit(dependencies.store, rotationId, order);
  const mayGoOn =
    wanted.windows !== undefined && outcome.kind === 'changed' && outcome.view.status === 'in_progress';
  return told(dependencies, outcome, { brings: mayGoOn ? 'a worker' : 'nobody' });
}

/** What follows from a change: whoever polls must not read an older state from Redis than this caller is told. */
async function told<Outcome extends PausedRotation | RetriedRotation | LimitedRotation>(
  { snapshots, ticketQueue }: CommandDependencies,
  outcome: Outcome,
  { brings }: { readonly brings: 'a worker' | 'nobody' },
): Promise<Outcome> {
  if (outcome.kind !== 'changed') return outcome;
  const { view, version } = outcome;
  const rotation = { rotationId: view.id, tenantId: view.tenantId };
  await snapshots.publish({ ...rotation, version, final: view.completedAt !== null, view });
  if (brings === 'a worker') await ticketQueue.enqueue(rotation);
  return outcome;
}
