import type { Pressure } from '@rekey/control';
import { throttleMs } from '@rekey/times';
import { sharedPressure } from './pressure.ts';
import type { Signal } from './signal.ts';
import { deadTuplesSignal } from './signals/dead-tuples.ts';
import { lagSignal } from './signals/lag.ts';
import { latencySignal } from './signals/latency.ts';
import { loadSignal } from './signals/load.ts';
import { locksSignal } from './signals/locks.ts';
import { walArchiveSignal } from './signals/wal-archive.ts';
import { createThrottle, type Throttle, type ThrottleOptions } from './throttle.ts';

export interface WatchingOptions
  extends Pick<ThrottleOptions, 'note' | 'places' | 'onChange' | 'onUnreadable'> {
  readonly readPressure: () => Promise<Pressure>;
  /** The switches of the operator's. */
  readonly switches: readonly Signal[];
  /** Standbys and slots by these names are not looked at. */
  readonly ignored: ReadonlySet<string>;
  /** How much further behind than at its best a standby may be until the sweep stops; it yields from two fifths of that on. */
  readonly lagMaxMs: number;
  /** How many statements of applications may be under way on average until the sweep yields. */
  readonly sessionsMax: number;
  /** Told once of each slot that nobody reads. */
  readonly onInactive: (slot: string) => void;
}

/** A throttle with every signal that there is, what stops first. */
export function createWatchingThrottle(options: WatchingOptions): Throttle {
  const { readPressure, switches, ignored, lagMaxMs, sessionsMax, onInactive, ...rest } = options;
  const everyMs = throttleMs.lookEvery / 2;
  const pressure = sharedPressure(readPressure, everyMs);
  return createThrottle({
    ...rest,
    signals: [
      ...switches,
      walArchiveSignal(pressure, everyMs),
      lagSignal(pressure, everyMs, {
        limits: { slowMs: lagMaxMs * (2 / 5), stopMs: lagMaxMs },
        ignored,
        onInactive,
      }),
      deadTuplesSignal(pressure, everyMs),
      loadSignal(pressure, everyMs, sessionsMax),
    ],
    locks: locksSignal(0),
    latency: latencySignal(throttleMs.lookEvery),
  });
}
