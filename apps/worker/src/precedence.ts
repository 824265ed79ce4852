import { isCompromiseUnderWay } from '@rekey/control';
import type { Store } from '@rekey/db';
import { unattendedMs } from '@rekey/times';

/** Between two looks at the database there is a second, and little more; one that fails says nothing. */
const believedMs = 3_000;
/** Until the next look at the database. */
const untilLookMs = 1_500;

/**
 * Whether work that is not because of a compromised key has to give way to work that is. As long as that goes forward: while
 * it waits for something, or nobody has worked on it for some seconds, it holds up nobody.
 */
export interface Precedence {
  /** Asks the database. */
  look(): Promise<void>;
  /** Such work begins here; to be called when this piece of it ends. */
  begins(): () => void;
  isTaken(): boolean;
}

export function createPrecedence(store: Store): Precedence {
  let untilMs = 0;
  let atWork = 0;
  return {
    async look() {
      untilMs = (await isCompromiseUnderWay(store, unattendedMs.running))
        ? performance.now() + believedMs
        : 0;
    },
    begins() {
      atWork += 1;
      return () => {
        atWork -= 1;
        untilMs = Math.max(untilMs, performance.now() + untilLookMs);
      };
    },
    isTaken: () => atWork > 0 || performance.now() < untilMs,
  };
}
