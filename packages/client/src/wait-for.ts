import { ClientError } from './client-error.ts';
import type { AnswerOf } from './operation.ts';
import { pause, timerMaxMs } from './retry.ts';
import { anyOf } from './transport.ts';

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
const lookLeastMs = 2_000;

type Look<State> = (signal: AbortSignal | undefined) => Promise<State>;

/** Looks until the rotation has ended, however it has. Throws WAITED_TOO_LONG. */
export function waitFor(rotationId: string, look: Look<Rotation>, options: WaitOptions): Promise<Rotation> {
  return untilEnded(look, options, (state, cause) => {
    const stood = state === undefined ? unanswered : ` (${state.status}, ${state.phase})`;
    const message = `${rotationId} has not ended in time${stood}`;
    return new ClientError('WAITED_TOO_LONG', message, { operation: 'getRotation', rotationId, cause });
  });
}

/** Looks until the plan is made, or could not be. Throws WAITED_TOO_LONG. */
export function waitForPlan(planId: string, look: Look<Plan>, options: WaitOptions<Plan>): Promise<Plan> {
  return untilEnded(look, options, (state, cause) => {
    const waits =
      state === undefined ? unanswered : state.waitingFor === null ? '' : ` (waits for ${state.waitingFor})`;
    const message = `${planId} is not completed in time${waits}`;
    return new ClientError('WAITED_TOO_LONG', message, { operation: 'getPlan', cause });
  });
}

const unanswered = ', and nothing has answered';

async function untilEnded<State extends { readonly completedAt: string | null }>(
  look: Look<State>,
  { everyMs = everyDefaultMs, timeoutMs = timeoutDefaultMs, onUpdate, signal }: WaitOptions<State>,
  tooLong: (state: State | undefined, cause?: unknown) => ClientError,
): Promise<State> {
  const begun = performance.now();
  const everyAt =
    typeof everyMs === 'function'
      ? everyMs
      : (elapsedMs: number) => Math.max(everyMs, Math.min(everyMaxMs, elapsedMs / 100));
  const timeUp = new AbortController();
  // One look is had however short the time: it has what an answer commonly takes.
  const timer = setTimeout(() => timeUp.abort(), Math.min(timerMaxMs, Math.max(timeoutMs, lookLeastMs)));
  let state: State | undefined;
  try {
    for (;;) {
      state = await look(anyOf(signal, timeUp.signal));
      onUpdate?.(state);
      if (state.completedAt !== null) return state;
      const elapsedMs = performance.now() - begun;
      const waitMs = everyAt(elapsedMs);
      if (elapsedMs + waitMs > timeoutMs) throw tooLong(state);
      await pause(waitMs, signal);
    }
  } catch (error) {
    // An API that does not answer is waited for no longer than its rotation.
    if (timeUp.signal.aborted && error === timeUp.signal.reason) throw tooLong(state, error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
