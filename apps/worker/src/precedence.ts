import { isCompromiseUnderWay } from '@rekey/control';
import type { Store } from '@rekey/db';
import { compromiseQueuedMs, unattendedMs } from '@rekey/times';

/** Between two looks at the database there is a second, and more where that is busy; one that fails says nothing. */
const believedMs = 5_000;

/**
 * Whether work that is not because of a compromised key has to give way to work that is. As long as that goes forward, or
 * waits for a place in the queue: while it waits for something else, or nobody has worked on it for some seconds, it holds up
 * nobody. The database alone says so.
 */
export interface Precedence {
  /** Asks the database. Work that is under way and gives way is told to stop. */
  look(): Promise<void>;
  /** Such work begins here: the next look may be a second away. */
  begins(): void;
  isTaken(): boolean;
  /** Aborted when what is begun now has to give way. */
  givesWay(): AbortSignal;
}

export function createPrecedence(store: Store): Precedence {
  let untilMs = 0;
  let looking: Promise<void> | null = null;
  let giveWay = new AbortController();
  const look = async (): Promise<void> => {
    const isUnderWay = await isCompromiseUnderWay(store, {
      silentAfterMs: unattendedMs.running,
      queuedAfterMs: compromiseQueuedMs,
    });
    untilMs = isUnderWay ? performance.now() + believedMs : 0;
    if (!isUnderWay) return;
    giveWay.abort();
    giveWay = new AbortController();
  };
  const lookOnce = (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  };
  const isTaken = (): boolean => performance.now() < untilMs;
  return {
    look: lookOnce,
    begins() {
      // One that fails is left to the next one, which says so.
      if (!isTaken()) lookOnce().catch(() => {});
    },
    isTaken,
    givesWay: () => giveWay.signal,
  };
}
