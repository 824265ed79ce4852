import { within } from './inside.ts';
import { ownTypes } from './own-types.ts';
import type { Look } from './store-client.ts';

/** Backends whose connection was cut here, and which may not have noticed: they wait for a lock, or for a standby. */
export interface Leftovers {
  add(pid: number): void;
  stop(): void;
}

const everyMs = 1_000;
const answerMs = 5_000;
/** By then the machine of a server that is not to be asked has let go of what it had for us. */
const forgottenAfterMs = 600_000;

/** Asks the server once a second which of them are still there, and tells how many; asks nothing while there are none. */
export function createLeftovers(look: Look, onCount: (count: number) => void): Leftovers {
  const since = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const ask = async (): Promise<void> => {
    timer = undefined;
    for (const [pid, at] of since) if (performance.now() - at > forgottenAfterMs) since.delete(pid);
    try {
      const { rows } = await look((client) => {
        const asked = client.query<{ pid: number }>({
          text: 'select pid from pg_catalog.pg_stat_activity where pid = any ($1::int[])',
          values: [[...since.keys()]],
          types: ownTypes,
        });
        return within(answerMs, client, asked);
      });
      const there = new Set(rows.map(({ pid }) => pid));
      for (const pid of since.keys()) if (!there.has(pid)) since.delete(pid);
    } catch {
      // Asked again.
    }
    onCount(since.size);
    askLater();
  };
  const askLater = (): void => {
    if (stopped || since.size === 0 || timer !== undefined) return;
    timer = setTimeout(() => void ask(), everyMs);
    timer.unref();
  };

  return {
    add(pid) {
      since.set(pid, performance.now());
      onCount(since.size);
      askLater();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
