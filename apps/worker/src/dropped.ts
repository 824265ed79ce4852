import type { Logger } from '@rekey/runtime';

const againMs = 60_000;

/** Says that jobs were dropped which are none of ours: the first at once, further ones by their number, each minute. */
export function createDropped(logger: Logger): (jobId: string | undefined) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (jobId) => {
    count += 1;
    if (performance.now() - saidAt < againMs) return;
    saidAt = performance.now();
    logger.warn('a job that is none of ours was dropped', { jobId, count });
    count = 0;
  };
}
