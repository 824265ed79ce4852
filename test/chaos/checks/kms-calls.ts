import type { Gauge } from './growth.ts';
import type { Violation } from './violation.ts';

/** What calls of KMSs are for. */
export interface KmsWork {
  /** KMSs that count their calls. */
  readonly servers: number;
  /** Calls of all of them, without those that came while one was in trouble: how many tries those are is up to whoever is patient. */
  readonly calls: number;
  /** DEKs that were made, under whichever KEK. */
  readonly deks: number;
  readonly rewrapped: number;
  /** Lives of workers. */
  readonly lives: number;
}

/**
 * Wrapped once, by one or another of three workers that are at it at the same time, and unwrapped by each process that needs it:
 * three workers, two vaults, two keyrings of writers.
 */
const forEachDek = 12;
/** Unwrapped, wrapped, unwrapped again; and once more what a worker had in hand that was killed. */
const forEachRewrapped = 4;
/** Of a process with each KMS: its round trips, and DEKs that the one before it had at hand. */
const forEachLife = 12;
const inAnyCase = 200;

/** So many at most, whatever the number of records; by each record, or each batch, it would be many times that. */
export function mostCalls({ servers, deks, rewrapped, lives }: KmsWork): number {
  return inAnyCase + forEachDek * deks + forEachRewrapped * rewrapped + forEachLife * servers * lives;
}

export function checkKmsCalls(work: KmsWork): Violation[] {
  const most = mostCalls(work);
  if (work.calls <= most) return [];
  const what = `${work.calls} calls for ${work.deks} DEKs, ${work.rewrapped} rewrapped, ${work.lives} lives of workers; ${most} at most`;
  return [{ check: 'KMS calls', what }];
}

export const livesOf = (gauges: readonly Gauge[]): number =>
  new Set(gauges.filter(({ name }) => name.startsWith('worker')).map(({ pid }) => pid)).size;
