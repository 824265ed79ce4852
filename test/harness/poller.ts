import type { ApiAnswer, Installation, StatusData } from './installation.ts';
import { total } from './sweep-facts.ts';

export interface Poller {
  /** Every answer, in order. */
  readonly answers: ReadonlyArray<ApiAnswer & { ms: number }>;
  stop(): Promise<void>;
}

/** Polls a rotation without a pause, as the most eager client would. */
export function poll(rekey: Pick<Installation, 'status'>, rotationId: string): Poller {
  const answers: Array<ApiAnswer & { ms: number }> = [];
  let stopped = false;
  const polling = (async () => {
    while (!stopped) {
      const began = performance.now();
      const answer = await rekey.status(rotationId);
      answers.push({ ...answer, ms: performance.now() - began });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    answers,
    async stop() {
      stopped = true;
      await polling;
    },
  };
}

const phases = ['queued', 'activating', 'sweeping', 'verifying', 'done'];

/** What is wrong with a sequence of answers about one rotation: nothing may go backwards, and all must add up. */
export function contradictions(views: readonly StatusData[]): string[] {
  const found: string[] = [];
  let before: StatusData | undefined;
  for (const view of views) {
    const sum =
      total(view.itemsRotated) +
      total(view.itemsSuperseded) +
      total(view.itemsFailed) +
      total(view.itemsRemaining);
    if (sum !== total(view.itemsToRotate)) found.push(`${sum} of ${total(view.itemsToRotate)} accounted for`);
    if (view.percentComplete === 100 && view.completedAt === null) found.push('100 % before the end');
    if (before !== undefined) {
      if (view.percentComplete < before.percentComplete)
        found.push(`${before.percentComplete} % then ${view.percentComplete} %`);
      if (total(view.itemsRotated) < total(before.itemsRotated)) found.push('fewer rotated than before');
      if (phases.indexOf(view.phase) < phases.indexOf(before.phase))
        found.push(`${before.phase} then ${view.phase}`);
      if (before.completedAt !== null && view.completedAt !== before.completedAt) found.push('ended twice');
    }
    before = view;
  }
  return found;
}
