import { ClientError } from './client-error.ts';
import type { AnswerOf } from './operation.ts';
import { pause } from './retry.ts';

export type Rotation = AnswerOf<'getRotation'>['data'];
export type Plan = AnswerOf<'getPlan'>['data'];

export interface WaitOptions<State = Rotation> {
  /**
   * Between two looks; a hundredth of the time that has passed, where that is longer. A function says it by the time that
   * has passed, in ms.
   */
  readonly everyMs?: number | ((elapsedMs: number) => number);
  /** Ten minutes, unless said. */
  readonly timeoutMs?: number;
  /** Sees every state that is met, the last one included. What it throws ends the waiting. */
  readonly onUpdate?: (state: State) => void;
  readonly signal?: AbortSignal;
}

const everyDefaultMs = 100;
const everyMaxMs = 5_000;
const timeoutDefaultMs = 600_000;

/** Looks until the rotation has ended, however it has. Throws WAITED_TOO_LONG. */
export function waitFor(look: () => Promise<Rotation>, options: WaitOptions): Promise<Rotation> {
  return untilEnded(look, options, ({ rotationId, status, phase }) => {
    const message = `${rotationId} has not ended in time (${status}, ${phase})`;
    return new ClientError('WAITED_TOO_LONG', message, { operation: 'getRotation', rotationId });
  });
}

/** Looks until the plan is made, or could not be. Throws WAITED_TOO_LONG. */
export function waitForPlan(look: () => Promise<Plan>, options: WaitOptions<Plan>): Promise<Plan> {
  return untilEnded(look, options, ({ planId, waitingFor }) => {
    const waits = waitingFor === null ? '' : ` (waits for ${waitingFor})`;
    const message = `${planId} is not completed in time${waits}`;
    return new ClientError('WAITED_TOO_LONG', message, { operation: 'getPlan' });
  });
}

async function untilEnded<State extends { readonly completedAt: string | null }>(
  look: () => Promise<State>,
  { everyMs = everyDefaultMs, timeoutMs = timeoutDefaultMs, onUpdate, signal }: WaitOptions<State>,
  tooLong: (state: State) => ClientError,
): Promise<State> {
  const begun = performance.now();
  const everyAt =
    typeof everyMs === 'function'
      ? everyMs
      : (elapsedMs: number) => Math.max(everyMs, Math.min(everyMaxMs, elapsedMs / 100));
  for (;;) {
    const state = await look();
    onUpdate?.(state);
    if (state.completedAt !== null) return state;
    const elapsedMs = performance.now() - begun;
    const waitMs = everyAt(elapsedMs);
    if (elapsedMs + waitMs > timeoutMs) throw tooLong(state);
    await pause(waitMs, signal);
  }
}
