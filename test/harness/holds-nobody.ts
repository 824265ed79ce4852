import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What would otherwise wait for whoever holds a row, for as long as that is held. It is not asked how long it takes, but that it comes
 * while the row is held.
 */
export async function holdsNobody<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const late = new AbortController();
  const waits = sleep(60_000, undefined, { signal: late.signal }).then(() => {
    throw new Error('it waits for who holds the row');
  });
  waits.catch(() => {}); // it did not come to that
  try {
    return await Promise.race([answer, waits]);
  } finally {
    late.abort();
  }
}
