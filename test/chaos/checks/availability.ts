import type { Harm } from '../history.ts';
import { type Check, collector } from './violation.ts';

interface Outage {
  readonly harms: readonly Harm[];
  readonly b: number;
  readonly e: number;
}

interface Suspect {
  /** Harm that explains it. */
  readonly harms: readonly Harm[];
  readonly b: number;
  readonly e: number;
  readonly what: string;
}

/** How long after a fault its traces may be met: reconnecting, restarting, a timeout that runs out. */
const graceMs: Record<Harm, number> = {
  application: 3_000,
  'application latency': 3_000,
  api: 8_000,
  rotations: 0,
};

/** Generous, since the machine is not ours alone; a hang takes far longer. */
const slowMs = { application: 5_000, rotate: 3_000, status: 3_000, cancel: 3_000 } as const;
/**
 * A transaction of two records of which neither DEK is at hand takes some twenty round trips: with 200 ms for each it
 * passes the limit by itself. It may take so long then, and has to succeed all the same.
 */
const slowWithLatencyMs = 10_000;
/** With Postgres away an answer still comes: after the two seconds that a connection may take. */
const refusalMs = 3_000;

/** A machine that stands still for so long makes Postgres and ours give up what was about to be done. */
const givenUpMs = 300;

/** To be run again; and the one form of writing that Postgres itself does not have under row level security. */
const refusedProperly = /RETRY|RK001|40001|FENCED|not in the snapshot|COPY FROM not supported with row-level/;

/** What no fault touches goes on; and what a fault does touch is refused quickly and properly, never hangs. */
export function availabilityCheck(): Check {
  const outages: Outage[] = [];
  const suspects: Suspect[] = [];
  const wrong = collector('availability');
  const began = new Map<string, { b: number; by: string }>();
  const places = new Map<number, string>();

  const slow = (b: number, e: number, what: string): void => {
    if (e - b <= slowMs.application) return;
    const harms: Harm[] =
      e - b <= slowWithLatencyMs ? ['application', 'application latency'] : ['application'];
    suspects.push({ harms, b, e, what: `${what} took ${Math.round(e - b)} ms` });
  };

  return {
    see(line) {
      if (line.t === 'fault') outages.push({ harms: line.harms, b: line.b, e: line.e });
      if (line.t === 'stall' && line.e - line.b > givenUpMs)
        outages.push({ harms: ['application', 'api'], b: line.b, e: line.e });
      if (line.t === 'record') places.set(line.r, `${line.place} of ${line.tenant}`);
      if (line.t === 'write') began.set(`${line.r}/${line.n}`, { b: line.b, by: line.by });
      if (line.t === 'wrote') {
        const key = `${line.r}/${line.n}`;
        const { b, by } = began.get(key) ?? { b: line.e, by: 'nobody' };
        began.delete(key);
        const retry = line.o === 'fail' && refusedProperly.test(line.why ?? '');
        const write = `a write of ${places.get(line.r)} by ${by}`;
        if (line.o !== 'ok' && !retry)
          suspects.push({ harms: ['application'], b, e: line.e, what: `${write} failed: ${line.why}` });
        else slow(b, line.e, write);
      }
      if (line.t === 'read') {
        const read = `a read of ${places.get(line.r)}`;
        if (line.o === 'ok') slow(line.b, line.e, read);
        else
          suspects.push({
            harms: ['application'],
            b: line.b,
            e: line.e,
            what: `${read} failed: ${line.why}`,
          });
      }
      if (line.t !== 'call') return;
      const { b, e } = line;
      const about = `${line.what} through ${line.via}: ${line.status} ${line.code ?? ''} after ${Math.round(e - b)} ms`;
      const served = [200, 404, 409].includes(line.status);
      if (!served || e - b > slowMs[line.what]) suspects.push({ harms: ['api'], b, e, what: about });
      if (line.status === 503 && line.retryAfter !== true) wrong.add(`${about}, without Retry-After`);
      if (line.status === 503 && e - b > refusalMs) suspects.push({ harms: ['api'], b, e, what: about });
      // No fault stops an API process, so a caller that hangs up after 10 s was left hanging by us.
      if (line.status === 500 || line.code === 'TimeoutError') wrong.add(`${about}, at ${Math.round(b)}`);
    },
    verdict() {
      for (const { harms, b, e, what } of suspects) {
        const excused = outages.some((outage) =>
          outage.harms.some((harm) => harms.includes(harm) && outage.b <= e && b <= outage.e + graceMs[harm]),
        );
        if (!excused)
          wrong.add(`${what}, at ${Math.round(b)}–${Math.round(e)}, with no fault that explains it`);
      }
      return wrong.all();
    },
  };
}
