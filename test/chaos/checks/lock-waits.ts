import { type Check, collector } from './violation.ts';

/**
 * Faults that hold a session of ours in the middle of a statement, or its end back: its locks stay with it then, as
 * with any client whose network is gone, until Postgres hears of it.
 */
const holdsSessions = /^(kill-before-batch-commit|kill-after-proof|freeze-|postgres-|commit-|block-)/;
const graceMs = 3_000;

/** No write of an application waits for a lock of ours, but while a fault holds one of our sessions in the middle. */
export function lockWaitCheck(): Check {
  const waits: Array<{ readonly b: number; readonly e: number; readonly what: string }> = [];
  const outages: Array<{ readonly b: number; readonly e: number }> = [];
  const stalls: Array<{ readonly b: number; readonly e: number }> = [];
  return {
    see(line) {
      if (line.t === 'lock-wait') waits.push(line);
      if (line.t === 'fault' && holdsSessions.test(line.kind)) outages.push(line);
      if (line.t === 'stall') stalls.push(line);
    },
    verdict() {
      const wrong = collector('lock waits');
      for (const { b, e, what } of waits)
        if (
          !outages.some((outage) => outage.b <= e && b <= outage.e + graceMs) &&
          !stalls.some((stall) => stall.b <= e && b <= stall.e)
        )
          wrong.add(`${what}, at ${b}–${Math.round(e)}`);
      return wrong.all();
    },
  };
}
