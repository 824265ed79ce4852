import type { Harm } from '../history.ts';
import { type Check, collector } from './violation.ts';

interface Outage {
  readonly harms: readonly Harm[];
  /** Whom it may harm alone; absent: everybody. */
  readonly tenants?: ReadonlySet<string> | undefined;
  readonly b: number;
  readonly e: number;
}

interface Suspect {
  /** Null: not of one tenant. */
  readonly tenant: string | null;
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
const slowMs = { application: 5_000, call: 3_000 } as const;
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
  const records = new Map<number, { readonly tenant: string; readonly place: string }>();

  const known = (r: number): { readonly tenant: string; readonly place: string } =>
    records.get(r) ?? { tenant: 'nobody', place: `record ${r}` };

  const slow = (tenant: string, b: number, e: number, what: string): void => {
    if (e - b <= slowMs.application) return;
    const harms: Harm[] =
      e - b <= slowWithLatencyMs ? ['application', 'application latency'] : ['application'];
    suspects.push({ tenant, harms, b, e, what: `${what} took ${Math.round(e - b)} ms` });
  };

  return {
    see(line) {
      if (line.t === 'fault') {
        const tenants = line.tenants === undefined ? undefined : new Set(line.tenants);
        outages.push({ harms: line.harms, tenants, b: line.b, e: line.e });
      }
      if (line.t === 'stall' && line.e - line.b > givenUpMs)
        outages.push({ harms: ['application', 'api'], b: line.b, e: line.e });
      if (line.t === 'record') records.set(line.r, line);
      if (line.t === 'write') began.set(`${line.r}/${line.n}`, { b: line.b, by: line.by });
      if (line.t === 'wrote') {
        const key = `${line.r}/${line.n}`;
        const { b, by } = began.get(key) ?? { b: line.e, by: 'nobody' };
        began.delete(key);
        const retry = line.o === 'fail' && refusedProperly.test(line.why ?? '');
        const { tenant, place } = known(line.r);
        const write = `a write of ${place} of ${tenant} by ${by}`;
        const what = `${write} failed: ${line.why}`;
        if (line.o !== 'ok' && !retry) suspects.push({ tenant, harms: ['application'], b, e: line.e, what });
        else slow(tenant, b, line.e, write);
      }
      if (line.t === 'read') {
        const { b, e } = line;
        const { tenant, place } = known(line.r);
        const read = `a read of ${place} of ${tenant}`;
        const what = `${read} failed: ${line.why}`;
        if (line.o === 'ok') slow(tenant, b, e, read);
        else suspects.push({ tenant, harms: ['application'], b, e, what });
      }
      if (line.t !== 'call') return;
      const { b, e } = line;
      const about = `${line.what} through ${line.via}: ${line.status} ${line.code ?? ''} after ${Math.round(e - b)} ms`;
      const served = [200, 202, 404, 409].includes(line.status);
      if (!served || e - b > slowMs.call) suspects.push({ tenant: null, harms: ['api'], b, e, what: about });
      if (line.status === 503 && line.retryAfter !== true) wrong.add(`${about}, without Retry-After`);
      if (line.status === 503 && e - b > refusalMs)
        suspects.push({ tenant: null, harms: ['api'], b, e, what: about });
      // No fault stops an API process, so a caller that hangs up after 10 s was left hanging by us.
      if (line.status === 500 || line.code === 'TimeoutError') wrong.add(`${about}, at ${Math.round(b)}`);
    },
    verdict() {
      for (const { tenant, harms, b, e, what } of suspects) {
        const excused = outages.some(
          (outage) =>
            (outage.tenants === undefined || (tenant !== null && outage.tenants.has(tenant))) &&
            outage.harms.some(
              (harm) => harms.includes(harm) && outage.b <= e && b <= outage.e + graceMs[harm],
            ),
        );
        if (!excused)
          wrong.add(`${what}, at ${Math.round(b)}–${Math.round(e)}, with no fault that explains it`);
      }
      return wrong.all();
    },
  };
}
