import { DelayedError, type Job } from 'bullmq';

/** How long this worker leaves a job to others after it has seen that it lacks the KEK for it: then it looks again. */
const leftForMs = 8_000;
const againAfterMs = { least: 1_000, most: 2_000 } as const;
const keptMax = 10_000;

/**
 * The jobs that this worker has no KEK for. It goes on getting them, since the queue does not know: until it looks again, it
 * hands them on without a look, so that a worker which has the KEK need not wait for a back-off that grew meanwhile.
 */
export interface HandOn {
  /** Whether this job is to be handed on without a look. */
  isLeft(job: Job, rotationId: string): boolean;
  leave(job: Job, rotationId: string): void;
  /** Puts it back for whoever comes next, without counting it as an attempt. Throws what the queue is to be told. */
  pass(job: Job, token: string | undefined): Promise<never>;
}

export function createHandOn(): HandOn {
  const until = new Map<string, number>();
  // A tenant's job has the same id in its next rotation.
  const key = ({ id }: Job, rotationId: string): string => `${rotationId}/${id}`;
  return {
    isLeft(job, rotationId) {
      const end = until.get(key(job, rotationId));
      if (end === undefined) return false;
      if (performance.now() < end) return true;
      until.delete(key(job, rotationId));
      return false;
    },
    leave(job, rotationId) {
      const [oldest] = until.keys();
      if (until.size >= keptMax && oldest !== undefined) until.delete(oldest);
      until.set(key(job, rotationId), performance.now() + leftForMs);
    },
    async pass(job, token) {
      const { least, most } = againAfterMs;
      await job.moveToDelayed(Date.now() + least + Math.random() * (most - least), token);
      throw new DelayedError();
    },
  };
}
