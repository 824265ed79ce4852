import { setTimeout as sleep } from 'node:timers/promises';
import { waitsBehindOurs } from '../harness/lock-waits.ts';
import type { World } from './world/world.ts';

const everyMs = 20;
const waitMaxMs = 250;

/**
 * Samples who waits for whom, until the signal: no session of an application may wait longer than that for one of ours,
 * nor for somebody who waits for one of ours.
 */
export async function lockWaits(
  { pool, history }: Pick<World, 'pool' | 'history'>,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    for (const { waiting, blocker } of await waitsBehindOurs(pool).catch(() => [])) {
      if (waiting.name.startsWith('chaos') || waiting.ms <= waitMaxMs) continue;
      const e = history.now();
      const b = Math.round(e - waiting.ms);
      // Once for each wait, to about its beginning.
      const key = `${waiting.pid}/${Math.round(b / 100)}`;
      if (told.has(key)) continue;
      told.add(key);
      const what = `${waiting.name} (${waiting.query}) waited ${Math.round(waiting.ms)} ms for ${blocker.name} (${blocker.query})`;
      history.add({ t: 'lock-wait', b, e, what });
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}
