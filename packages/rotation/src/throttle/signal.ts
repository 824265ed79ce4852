import type { ThrottleLevel, ThrottleSignal } from '@rekey/control';

/**
 * One thing that is watched while something is swept. `slow`: the sweep yields, down to its least share; `stop`: it stands
 * still. Whatever it was, the sweep goes on by itself once it is over.
 */
export interface Signal {
  readonly name: ThrottleSignal;
  /** Between two looks, from the end of one to the begin of the next. */
  readonly everyMs: number;
  /** Throws where it cannot be read; that is said, and never taken for quiet. */
  read(): Promise<Reading>;
}

export interface Reading {
  readonly level: ThrottleLevel | 'none';
  /** For an operator: what was measured, against which limit. */
  readonly detail: string;
}

/** It can not be read here; the message says why. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

export const quiet: Reading = { level: 'none', detail: '' };

export function worst(readings: readonly Reading[]): Reading {
  return (
    readings.find(({ level }) => level === 'stop') ?? readings.find(({ level }) => level === 'slow') ?? quiet
  );
}

export function inMiB(bytes: number): string {
  return `${Math.round(bytes / 1_048_576).toLocaleString('en-US')} MiB`;
}
