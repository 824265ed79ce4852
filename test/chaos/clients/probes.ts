import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from '../history.ts';
import type { Slot } from '../world/slot.ts';
import type { Client } from './readers.ts';

const everyMs = 200;
const hangMs = 5_000;
/** What the last fault has ended is up again by then. */
const readyInTheEndMs = 10_000;

/** Asks a process whether it is ready, as an orchestrator does; behind the signal until it is, or ought to be. 0: no answer. */
export function prober(history: History, slot: Slot): Client {
  return async (signal) => {
    let overMs = Number.POSITIVE_INFINITY;
    signal.addEventListener('abort', () => {
      overMs = performance.now() + readyInTheEndMs;
    });
    for (;;) {
      const url = slot.url();
      const b = history.now();
      const status =
        url === ''
          ? 0
          : await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(hangMs) }).then(
              async (answer) => {
                await answer.arrayBuffer();
                return answer.status;
              },
              () => 0,
            );
      history.add({ t: 'probe', name: slot.name, role: slot.role, b, e: history.now(), status });
      if (signal.aborted && (status === 200 || performance.now() > overMs)) return;
      await sleep(everyMs);
    }
  };
}
