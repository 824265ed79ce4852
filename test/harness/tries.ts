import { AssertionError } from 'node:assert';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * For what has to happen within a time that a sound program keeps with ease and a broken one never: a machine that stands
 * still for a second, as shared ones do, breaks it once and not three times. `body` makes all that it needs anew.
 *
 * @throws what the third try throws; at once whatever is no failed assertion and no wait in vain
 */
export async function upToThreeTimes<T>(
  t: Pick<TestContext, 'diagnostic'>,
  body: () => T | Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await body();
    } catch (error) {
      if (tries === 3 || !isOfTime(error)) throw error;
      t.diagnostic(`tried again: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`);
      await sleep(300);
    }
  }
}

function isOfTime(error: unknown): boolean {
  return error instanceof AssertionError || (error instanceof Error && error.message.startsWith('Waited '));
}

/**
 * Takes a measure up to three times and holds the shortest against `boundMs`; returns it.
 *
 * @throws when none was shorter
 */
export async function takesUnder(
  t: Pick<TestContext, 'diagnostic'>,
  boundMs: number,
  work: () => unknown,
): Promise<number> {
  return await upToThreeTimes(t, async () => {
    const began = performance.now();
    await work();
    const ms = performance.now() - began;
    if (ms >= boundMs)
      throw new AssertionError({ message: `${Math.round(ms)} ms where less than ${boundMs} are enough` });
    return ms;
  });
}
