import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.ts';

const everyMs = 20;
/** What a busy machine makes a timer late by is less; two and a half times that is what nobody may wait for a lock. */
const stallMs = 100;

/**
 * Writes down when the whole machine stood still, as one that others share does for a second now and then: by a timer that
 * came late. Nothing that is late or given up meanwhile says anything about what is tested; what is lost does.
 */
export async function stalls(history: History, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const b = history.now();
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    const e = history.now();
    if (e - b > everyMs + stallMs) history.add({ t: 'stall', b, e });
  }
}
