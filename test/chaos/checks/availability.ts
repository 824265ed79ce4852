import type { Harm } from '../history.ts';
import { type Check, collector } from './violation.ts';

interface Window {
  readonly harms: readonly Harm[];
  readonly b: number;
  readonly e: number;
}

interface Suspect {
  readonly harm: Harm;
  readonly b: number;
  readonly e: number;
  readonly what: string;
}

/** How long after a fault its traces may be met: reconnecting, restarting, a timeout that runs out. */
const graceMs: Record<Harm, number> = { application: 3_000, api: 8_000, rotations: 0 };

/** Generous, since the machine is not ours alone; a hang takes far longer. */
const slowMs = { application: 5_000, rotate: 2_000, status: 2_000, cancel: 2_500 } as const;
/** With Postgres away an answer still comes; about a second is promised. */
const refusalMs = 2_000;

/** What no fault touches goes on; and what a fault does touch is refused quickly and properly, never hangs. */
export function availabilityCheck(): Check {
  const windows: Window[] = [];
  const suspects: Suspect[] = [];
  const wrong = collector('availability');
  const began = new Map<string, number>();

  return {
    see(line) {
      if (line.t === 'fault') windows.push({ harms: line.harms, b: line.b, e: line.e });
      if (line.t === 'write') began.set(`${line.r}/${line.n}`, line.b);
      if (line.t === 'wrote') {
        const key = `${line.r}/${line.n}`;
        const b = began.get(key) ?? line.e;
        began.delete(key);
        const retry =
          line.o === 'fail' && /RETRY|RK001|40001|FENCED|not in the snapshot/.test(line.why ?? '');
        if (line.o !== 'ok' && !retry)
          suspects.push({ harm: 'application', b, e: line.e, what: `a write failed: ${line.why}` });
        else if (line.e - b > slowMs.application)
          suspects.push({ harm: 'application', b, e: line.e, what: `a write took ${line.e - b} ms` });
      }
      if (line.t === 'read' && (line.o !== 'ok' || line.e - line.b > slowMs.application)) {
        const what = line.o === 'ok' ? `a read took ${line.e - line.b} ms` : `a read failed: ${line.why}`;
        suspects.push({ harm: 'application', b: line.b, e: line.e, what });
      }
      if (line.t !== 'call') return;
      const { b, e } = line;
      const about = `${line.what} through ${line.via}: ${line.status} ${line.code ?? ''} after ${Math.round(e - b)} ms`;
      const served = [200, 404, 409].includes(line.status);
      if (!served || e - b > slowMs[line.what]) suspects.push({ harm: 'api', b, e, what: about });
      if (line.status === 503 && line.retryAfter !== true) wrong.add(`${about}, without Retry-After`);
      if (line.status === 503 && e - b > refusalMs) suspects.push({ harm: 'api', b, e, what: about });
      // No fault stops an API process, so a caller that hangs up after 10 s was left hanging by us.
      if (line.status === 500 || line.code === 'TimeoutError') wrong.add(`${about}, at ${Math.round(b)}`);
    },
    verdict() {
      for (const { harm, b, e, what } of suspects) {
        const excused = windows.some(
          (window) => window.harms.includes(harm) && window.b <= e && b <= window.e + graceMs[harm],
        );
        if (!excused)
          wrong.add(`${what}, at ${Math.round(b)}–${Math.round(e)}, with no fault that explains it`);
      }
      return wrong.all();
    },
  };
}
