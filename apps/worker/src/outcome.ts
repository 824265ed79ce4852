import { beat, failRotation, type WaitingDetail, type WaitingFor } from '@rekey/control';
import { diagnose, endsRotation, type RotationEnvironment } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { type Job, WaitingError } from 'bullmq';

/** What a processor's work came to: done with, or given back because this process is stopping. */
export type Work = 'done' | 'stopped';

export interface OutcomeDependencies {
  readonly env: RotationEnvironment;
  readonly logger: Logger;
  /** Aborted when the process is to stop. */
  readonly stopping: AbortSignal;
}

/**
 * Translates what became of a rotation's work into what BullMQ is to do with the job:
 * done → finished; stopping → handed back to the queue without spending an attempt; transient trouble → thrown, so
 * that the queue tries again after a back-off; a permanent cause → the rotation ends as failed and the job is done.
 */
export async function settle(
  { env, logger, stopping }: OutcomeDependencies,
  job: Job,
  token: string | undefined,
  rotationId: string,
  jobSignal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Work>,
): Promise<void> {
  const signal = jobSignal === undefined ? stopping : AbortSignal.any([stopping, jobSignal]);
  let outcome: Work;
  try {
    outcome = await work(signal);
  } catch (error) {
    if (stopping.aborted) return handBack(job, token);
    // The lock is lost: the job runs elsewhere, and what BullMQ makes of this end of it does not count.
    if (signal.aborted) throw error;
    return troubled(env, logger, job, rotationId, error);
  }
  if (outcome === 'stopped' && stopping.aborted) return handBack(job, token);
}

async function handBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

async function troubled(
  env: RotationEnvironment,
  logger: Logger,
  job: Job,
  rotationId: string,
  error: unknown,
): Promise<void> {
  const trouble = diagnose(error);
  switch (trouble.kind) {
    case 'overtaken':
      return;
    case 'permanent': {
      const snapshot = await failRotation(env.store, rotationId, trouble.reason, endsRotation);
      // Of a key this worker may be wrong: another one has its turn.
      if (snapshot === 'goes_on') return waits(env, logger, job, rotationId, 'kms', error);
      if (snapshot !== null) {
        logger.error('rotation failed', { rotationId, reason: trouble.reason, error });
        env.publish(snapshot);
      }
      return;
    }
    case 'transient':
      return waits(env, logger, job, rotationId, trouble.waitingFor, error, trouble.detail);
  }
}

/** Throws, so that the queue tries again after a back-off. */
async function waits(
  env: RotationEnvironment,
  logger: Logger,
  job: Job,
  rotationId: string,
  waitingFor: WaitingFor,
  error: unknown,
  detail?: WaitingDetail,
): Promise<never> {
  logger.warn('rotation waits', { rotationId, waitingFor, attempt: job.attemptsMade + 1, error });
  const snapshot = await beat(env.store, rotationId, waitingFor, detail).catch(() => null);
  if (snapshot !== null) env.publish(snapshot);
  throw error;
}
