import { setTimeout as sleep } from 'node:timers/promises';
import { drainOlder, noteDrained, type RunningRotation } from '@rekey/control';
import type { RotationEnvironment } from './environment.ts';

/**
 * Most transactions of an application take milliseconds: when the DEK before the switch is tried so often after a range
 * was swept, it has drained nearly always. What takes longer is left to the timer of whichever worker looks first.
 */
const pausesMs = [0, 5, 20, 100] as const;

/** Whether nothing can be written under an older DEK of the tenant any more. Waits for no transaction in particular. */
export async function drainSoon(
  { store, onEvent }: Pick<RotationEnvironment, 'store' | 'onEvent'>,
  { id: rotationId, tenantId }: RunningRotation,
  signal: AbortSignal,
): Promise<boolean> {
  for (const pauseMs of pausesMs) {
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return false;
    if (await drainOlder(store, tenantId)) {
      if (await noteDrained(store, tenantId)) onEvent?.({ kind: 'drained', rotationId, tenantId });
      return true;
    }
  }
  return false;
}
