import { asTargetTrouble, type ProvedRange, proveRange, proveRanges, renewLease } from '@rekey/data';
import { heartbeatWhileWaitingMs, proofsTogetherMs } from '@rekey/times';
import type { Refused } from './outcome.ts';
import { isSmall } from './small-ranges.ts';
import type { Sweep } from './sweep.ts';
import { withinLimit } from './within-limit.ts';

/**
 * The proofs of the ranges of one rotation that are swept at the same time, by one statement for as many of them as are
 * swept. A range waits a moment for the others, which costs a small rotation nothing: it ends with the last of them.
 */
export interface ProofsTogether {
  /** To be called for each range before its sweep, and what it returns once that is over. */
  enter(): () => void;
  prove(sweep: Sweep): Promise<ProvedRange | Refused>;
}

interface Waiting extends PromiseWithResolvers<ProvedRange | Refused> {
  readonly sweep: Sweep;
}

export function createProofsTogether(): ProofsTogether {
  let underWay = 0;
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const send = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting;
    waiting = [];
    if (all.length > 0) void settle(all);
  };
  const sendOnceAllWait = (): void => {
    if (waiting.length >= underWay) send();
    else if (waiting.length > 0) timer ??= setTimeout(send, proofsTogetherMs);
  };

  return {
    enter() {
      underWay += 1;
      return () => {
        underWay -= 1;
        sendOnceAllWait();
      };
    },
    prove(sweep) {
      const asked = { sweep, ...Promise.withResolvers<ProvedRange | Refused>() };
      waiting.push(asked);
      sendOnceAllWait();
      return asked.promise;
    },
  };
}

export function proveAlone(sweep: Sweep): Promise<ProvedRange | Refused> {
  return withinLimit(sweep, () => proveRange(sweep.env.sweepStore, sweep.target, sweep.lease));
}

async function settle(all: readonly Waiting[]): Promise<void> {
  const [first] = all;
  if (first === undefined) return;
  const alone = (): void => {
    for (const { sweep, resolve, reject } of all) proveAlone(sweep).then(resolve, reject);
  };
  if (all.length === 1) return alone();
  // In the same order each time, so that connections know few such statements.
  const sweeps = all.map(({ sweep }) => sweep).sort((a, b) => (a.target.name < b.target.name ? -1 : 1));
  const sinceMs = performance.now();
  try {
    const joint = sweeps.every(isSmall) ? await first.sweep.env.smallRanges?.prove(sweeps) : undefined;
    const proofs =
      joint ??
      (await withinLimit(first.sweep, async () =>
        performance.now() - sinceMs > heartbeatWhileWaitingMs
          ? null
          : proveRanges(first.sweep.env.sweepStore, sweeps),
      ));
    if (proofs === null) {
      // The wait for a place was long, and for that only the lease of the first was renewed.
      for (const { lease, env } of sweeps) await renewLease(env.sweepStore, lease);
      return alone();
    }
    for (const { sweep, resolve, reject } of all) {
      const proof = typeof proofs === 'string' ? proofs : proofs[sweeps.indexOf(sweep)];
      if (proof === undefined) reject(new Error('a range came back without its proof'));
      else resolve(proof);
    }
  } catch (error) {
    // A table in trouble fails the statement for the others, too.
    if (asTargetTrouble(first.sweep.target, error) !== null) return alone();
    for (const { reject } of all) reject(error);
  }
}
