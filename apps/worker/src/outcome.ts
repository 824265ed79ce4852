import { beat, type Ends, type FailureReason, failRotation, findRotation } from '@rekey/control';
import { isOfLaterVersion } from '@rekey/jobs';
import { KmsError } from '@rekey/kms';
import { diagnose, endsRotation, type Outcome, type RotationEnvironment, type Waits } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { type Job, WaitingError } from 'bullmq';
import type { KmsCalls } from './count-kms-calls.ts';
import type { HandOn } from './hand-on.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { Precedence } from './precedence.ts';
import { PutOff, pauseMs, type SuspendedMs } from './put-off.ts';

export interface OutcomeDependencies {
  readonly env: RotationEnvironment;
  readonly logger: Logger;
  /** Aborted when the process is to stop. */
  readonly stopping: AbortSignal;
  /** Told of a job that is none of ours. */
  readonly dropped: (jobId: string | undefined) => void;
  /** Told of each time that a rotation meets a part of the schema missing; whether it has been so for too long. */
  readonly staysMissing: (rotationId: string) => boolean;
  readonly handOn: HandOn;
  readonly precedence: Pick<Precedence, 'begins' | 'isTaken' | 'givesWay'>;
  /** How long a rotation is left alone whose KEK the KMS refuses. */
  readonly suspendedMs: SuspendedMs;
  readonly kmsCalls: Pick<KmsCalls, 'during'>;
  readonly measures?: Pick<WorkerMetrics, 'failed' | 'waits'> | null;
}

/** A rotation's work as one job does it. */
export interface Piece {
  readonly rotationId: string;
  /** Aborted when the job is not ours any more. */
  readonly jobSignal: AbortSignal | undefined;
  /** Aborted when this is to give way to what is because of a compromised key; absent: it is that itself. */
  readonly givesWay?: AbortSignal | undefined;
  readonly work: (signal: AbortSignal) => Promise<Outcome>;
}

/**
 * Translates what became of a rotation's work into what BullMQ is to do with the job:
 * done, left to others or lost to them → finished; stopped → handed back to the queue without spending an attempt, for a second or two where it
 * gives way; transient trouble → thrown, so
 * that the queue tries again after a back-off, a long one where the KMS refuses the KEK; a KEK that this process lacks → handed on to others; a permanent cause → the
 * rotation ends as failed and the job is done.
 */
export async function settle(
  dependencies: OutcomeDependencies,
  job: Job,
  token: string | undefined,
  { rotationId, jobSignal, givesWay, work }: Piece,
): Promise<void> {
  const { stopping, handOn, kmsCalls } = dependencies;
  if (handOn.isLeft(job, rotationId)) return handOn.pass(job, token);
  const ends = [stopping, jobSignal, givesWay].filter((signal) => signal !== undefined);
  const signal = ends.length === 1 ? stopping : AbortSignal.any(ends);
  let outcome: Outcome;
  try {
    outcome = await kmsCalls.during(rotationId, () => work(signal));
    if (outcome === 'lost') await noteIfCancelled(dependencies, rotationId);
  } catch (error) {
    if (stopping.aborted) return handBack(job, token);
    // The lock is lost: the job runs elsewhere, and what BullMQ makes of this end of it does not count.
    if (jobSignal?.aborted) throw error;
    // Whatever it was, it is met again.
    if (givesWay?.aborted) return handOn.pass(job, token);
    if (!(error instanceof KmsError && error.code === 'NOT_HELD'))
      return troubled(dependencies, job, rotationId, error);
    handOn.leave(job, rotationId);
    // It says so first, and throws.
    await troubled(dependencies, job, rotationId, error).catch(() => {});
    return handOn.pass(job, token);
  }
  if (outcome !== 'stopped') return;
  if (stopping.aborted) return handBack(job, token);
  if (givesWay?.aborted && !jobSignal?.aborted) return handOn.pass(job, token);
}

/** Throws for a ticket that only a later version understands, so that it is put off and not dropped. */
export function leaveToLater({ logger }: Pick<OutcomeDependencies, 'logger'>, job: Job): void {
  if (!isOfLaterVersion(job.name)) return;
  const reason = 'a ticket of a later version waits for a worker of that version';
  logger.warn(reason, { jobId: job.id });
  throw new Error(reason);
}

/**
 * Does a job; one that is not because of a compromised key is put back while one that is goes forward, before it begins or in
 * its midst: a sweep that is held back would keep its place in this worker for as long as that lasts.
 */
export async function byPrecedence(
  { precedence, handOn }: Pick<OutcomeDependencies, 'precedence' | 'handOn'>,
  job: Job,
  token: string | undefined,
  { compromise = false }: { readonly compromise?: boolean },
  work: (givesWay: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  if (compromise) {
    precedence.begins();
    return work(undefined);
  }
  return precedence.isTaken() ? handOn.pass(job, token) : work(precedence.givesWay());
}

async function handBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

async function troubled(
  dependencies: OutcomeDependencies,
  job: Job,
  rotationId: string,
  error: unknown,
): Promise<void> {
  const { env, logger, staysMissing, measures } = dependencies;
  const fail = async (reason: FailureReason, ends: Ends, meanwhile: Waits): Promise<void> => {
    const snapshot = await failRotation(env.store, rotationId, reason, ends);
    // Of a key this worker may be wrong: another one has its turn.
    if (snapshot === 'goes_on') return waits(dependencies, job, rotationId, meanwhile, error);
    if (snapshot === null) return;
    measures?.failed();
    logger.error('rotation failed', { rotationId, tenantId: snapshot.view.tenantId, reason, error });
    env.publish(snapshot);
  };
  const trouble = diagnose(error);
  switch (trouble.kind) {
    case 'overtaken':
      return;
    case 'permanent':
      return fail(
        trouble.reason,
        trouble.isCertain === true ? () => true : endsRotation,
        trouble.meanwhile ?? { waitingFor: 'kms' },
      );
    case 'schema_missing':
      if (staysMissing(rotationId)) return fail('SCHEMA_MISSING', endsRotation, { waitingFor: 'database' });
      return waits(dependencies, job, rotationId, { waitingFor: 'database' }, error);
    case 'transient':
      return waits(dependencies, job, rotationId, trouble, error);
  }
}

/** Throws, so that the queue tries again after a back-off. */
async function waits(
  { env, logger, suspendedMs, measures }: OutcomeDependencies,
  job: Job,
  rotationId: string,
  { waitingFor, detail }: Waits,
  error: unknown,
): Promise<never> {
  measures?.waits(waitingFor);
  const snapshot = await beat(env.store, rotationId, waitingFor, detail ?? null).catch(() => null);
  if (snapshot !== null) env.publish(snapshot);
  logger[waitingFor === 'internal' ? 'error' : 'warn']('rotation waits', {
    rotationId,
    ...(snapshot === null ? {} : { tenantId: snapshot.view.tenantId }),
    waitingFor,
    ...(detail === undefined ? {} : { reason: detail.what }),
    ...(error instanceof KmsError && error.kekId !== undefined ? { kek: error.kekId } : {}),
    attempt: job.attemptsMade + 1,
    error,
  });
  if (waitingFor !== 'kek_suspended') throw error;
  const since = Date.parse(snapshot?.view.waitingDetail?.since ?? '');
  throw new PutOff(
    pauseMs(Number.isNaN(since) ? 0 : (snapshot?.databaseMs ?? since) - since, suspendedMs),
    error,
  );
}

const cancelsSeen = new Set<string>();
const cancelsSeenMax = 1_000;

/** Says so once when the rotation that was worked on turns out to have been cancelled. */
async function noteIfCancelled(
  { env, logger }: Pick<OutcomeDependencies, 'env' | 'logger'>,
  rotationId: string,
): Promise<void> {
  if (cancelsSeen.has(rotationId)) return;
  const view = await findRotation(env.store, rotationId);
  if (view?.status !== 'cancelled') return;
  if (cancelsSeen.size >= cancelsSeenMax) cancelsSeen.clear();
  cancelsSeen.add(rotationId);
  logger.info('rotation was cancelled', { rotationId, tenantId: view.tenantId });
}
