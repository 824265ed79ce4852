import type { Line } from '../history.ts';
import { type Check, collector } from './violation.ts';

type Probe = Extract<Line, { t: 'probe' }>;

/** A process answers by what it found out so long ago at most, and finds it out within a moment. */
const rememberedMs = 700;
/** An outage that is longer than that is to be seen red by a process that answers at all. */
const seenWithinMs = 1_500;
/** Reconnecting, and what was remembered; a killed process comes up in that time too. */
const graceMs = 8_000;
/** Generous: the machine is not ours alone. */
const slowMs = 2_500;

export interface ProbeCounts {
  green: number;
  red: number;
  unanswered: number;
}

/**
 * `/readyz` is red while Postgres is away, green again by itself afterwards, and an API's never red for anything else
 * but harm to Postgres or to that API.
 */
export function readinessCheck(): Check & { readonly counts: ProbeCounts } {
  const probes: Probe[] = [];
  const outages: Array<{ b: number; e: number }> = [];
  const harmful: Array<{ b: number; e: number }> = [];
  const stalls: Array<{ b: number; e: number }> = [];
  const counts = { green: 0, red: 0, unanswered: 0 };
  const wrong = collector('readiness');

  const duringOutage = ({ b, e }: { b: number; e: number }): void => {
    const answered = new Map<string, { red: boolean }>();
    for (const probe of probes) {
      if (probe.b < b + rememberedMs || probe.e > e || probe.status === 0) continue;
      const seen = answered.get(probe.name) ?? { red: false };
      answered.set(probe.name, seen);
      if (probe.status === 503) seen.red = true;
      else
        wrong.add(
          `${probe.name} answered ${probe.status} at ${probe.b}, with Postgres away since ${Math.round(b)}`,
        );
    }
    if (e - b < rememberedMs + seenWithinMs) return;
    for (const [name, { red }] of answered) if (!red) wrong.add(`${name} was not red in the outage of ${b}`);
  };

  return {
    counts,
    see(line) {
      if (line.t === 'outage') outages.push({ b: line.b, e: line.e });
      if (line.t === 'stall') stalls.push({ b: line.b, e: line.e });
      if (line.t === 'stall' || (line.t === 'fault' && line.harms.includes('api')))
        harmful.push({ b: line.b, e: line.e });
      if (line.t !== 'probe') return;
      probes.push(line);
      counts[line.status === 200 ? 'green' : line.status === 0 ? 'unanswered' : 'red'] += 1;
    },
    verdict() {
      for (const outage of outages) duringOutage(outage);
      const last = new Map<string, Probe>();
      for (const probe of probes) {
        // No answer while the machine stood still tells nothing of the process.
        const stood = stalls.some(({ b, e }) => b <= probe.e && probe.b <= e);
        if (probe.status !== 0 || !stood) last.set(probe.name, probe);
        // A worker needs Redis too and is harmed by much; it only has to be green in the end.
        if (probe.role === 'worker' || (probe.status === 200 && probe.e - probe.b <= slowMs)) continue;
        const excused = harmful.some(({ b, e }) => b <= probe.e && probe.b <= e + graceMs);
        if (!excused)
          wrong.add(
            `${probe.name}: ${probe.status} after ${Math.round(probe.e - probe.b)} ms, at ${probe.b}, for no harm`,
          );
      }
      for (const { name, status } of last.values())
        if (status !== 200) wrong.add(`${name} is not ready in the end: ${status}`);
      return wrong.all();
    },
  };
}
