import { ClientError } from './client-error.ts';
import type { AnswerOf } from './operation.ts';
import { pause } from './retry.ts';

export type Rotation = AnswerOf<'getRotation'>['data'];

export interface WaitOptions {
  /**
   * Between two looks; a hundredth of the time that has passed, where that is longer. A function says it by the time that
   * has passed, in ms.
   */
  readonly everyMs?: number | ((elapsedMs: number) => number);
  /** Ten minutes, unless said. */
  readonly timeoutMs?: number;
  /** Sees every state that is met, the last one included. What it throws ends the waiting. */
  readonly onUpdate?: (rotation: Rotation) => void;
  readonly signal?: AbortSignal;
}

const everyDefaultMs = 100;
const everyMaxMs = 5_000;
const timeoutDefaultMs = 600_000;

/** Looks until the rotation has ended, however it has. Throws WAITED_TOO_LONG. */
export async function waitFor(
  look: () => Promise<Rotation>,
  { everyMs = everyDefaultMs, timeoutMs = timeoutDefaultMs, onUpdate, signal }: WaitOptions,
): Promise<Rotation> {
  const begun = performance.now();
  const everyAt =
    typeof everyMs === 'function'
      ? everyMs
      : (elapsedMs: number) => Math.max(everyMs, Math.min(everyMaxMs, elapsedMs / 100));
  for (;;) {
    const rotation = await look();
    onUpdate?.(rotation);
    if (rotation.completedAt !== null) return rotation;
    const elapsedMs = performance.now() - begun;
    const waitMs = everyAt(elapsedMs);
    if (elapsedMs + waitMs > timeoutMs) {
      const { rotationId, status, phase } = rotation;
      throw new ClientError('WAITED_TOO_LONG', `${rotationId} has not ended in time (${status}, ${phase})`, {
        operation: 'getRotation',
        rotationId,
      });
    }
    await pause(waitMs, signal);
  }
}
