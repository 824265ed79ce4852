import type { Pressure } from '@rekey/control';

/** What the server tells of itself: read once for all signals that look at the same time. */
export type ReadPressure = () => Promise<Pressure>;

/** @param freshMs for so long what was read is given to whoever asks */
export function sharedPressure(read: ReadPressure, freshMs: number): ReadPressure {
  let reading: Promise<Pressure> | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (reading !== null && performance.now() - readAtMs < freshMs) return reading;
    readAtMs = performance.now();
    reading = read();
    reading.catch(() => {}); // whoever asked hears of it
    return reading;
  };
}
