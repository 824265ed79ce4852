/** How long a rotation is left alone while the KMS refuses its KEK, at the least and at the most. */
export interface SuspendedMs {
  readonly first: number;
  readonly max: number;
}

/** An attempt that met a KEK which is suspended: somebody has to act, so that the next one has time. */
export class PutOff extends Error {
  /** Until the next attempt. */
  readonly ms: number;

  constructor(ms: number, cause: unknown) {
    super('put off: the KMS refuses the KEK', { cause });
    this.name = 'PutOff';
    this.ms = ms;
  }
}

/** As long as it has lasted, so that pauses double; somewhat less, so that many who were refused together come apart. */
export function pauseMs(
  sinceMs: number,
  { first, max }: SuspendedMs,
  random: () => number = Math.random,
): number {
  const full = Math.min(Math.max(sinceMs, first), max);
  return Math.round(full * (0.8 + 0.2 * random()));
}
