import { randomUUID } from 'node:crypto';
import { beat, noteThrottle, readPressure, type Snapshot } from '@rekey/control';
import type { Store } from '@rekey/db';
import { createWatchingThrottle, type Throttle } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import type { WorkerConfig } from '../config.ts';
import type { WorkerMetrics } from '../metrics.ts';
import { ignoredNames } from './ignored-names.ts';
import { httpSwitch, querySwitch } from './switches.ts';

/** How many worker processes live, this one among them, as far as is known. */
export interface Company {
  workers: number;
}

interface ThrottleDependencies {
  readonly config: WorkerConfig;
  /** For what takes a moment. */
  readonly store: Store;
  /** For what may take a second. */
  readonly patientStore: Store;
  readonly places: () => number;
  /** Kept true while something is swept, and as it was where nothing is watched. */
  readonly company: Company;
  readonly publish: (snapshot: Snapshot) => void;
  readonly logger: Logger;
  readonly measures: WorkerMetrics | null;
}

/** The throttle of this process; undefined where it is turned off. */
export function createWorkerThrottle(dependencies: ThrottleDependencies): Throttle | undefined {
  const { config, store, patientStore, places, company, publish, logger, measures } = dependencies;
  if (config.THROTTLE === 'off') return undefined;
  const processId = randomUUID();
  const { THROTTLE_SQL: query, THROTTLE_SQL_ROLE: role, THROTTLE_HTTP: url } = config;
  const throttle = createWatchingThrottle({
    async readPressure() {
      const pressure = await readPressure(store);
      company.workers = pressure.workers;
      return pressure;
    },
    switches: [
      ...(url === undefined ? [] : [httpSwitch(url, logger)]),
      ...(query === undefined ? [] : [querySwitch(patientStore, query, role ?? null, logger)]),
    ],
    ignored: ignoredNames(config.THROTTLE_IGNORE),
    lagMaxMs: config.THROTTLE_LAG_SECONDS * 1_000,
    sessionsMax: config.THROTTLE_SESSIONS,
    places,
    onInactive: (slot) =>
      logger.warn('a replication slot keeps WAL and nobody reads it: it fills the disk', { slot }),
    async note(rotationId, throttling) {
      await noteThrottle(store, rotationId, processId, throttling);
      if (throttling === null) return; // the sweep that goes on says so itself
      // Whoever polls is to see it at once.
      const snapshot = await beat(store, rotationId);
      if (snapshot !== null) publish(snapshot);
    },
    onChange(state) {
      measures?.throttle.changed(state);
      if (state === null) return logger.info('the sweep is not held back any more');
      const { signal, level, detail: reason } = state;
      logger.info(level === 'stop' ? 'the sweep stands still' : 'the sweep is slowed', { signal, reason });
    },
    onUnreadable(signal, reason) {
      measures?.throttle.unreadable(signal, reason !== null);
      if (reason !== null)
        logger.warn('a signal cannot be read, so nothing is held back for it', { signal, reason });
    },
  });
  measures?.throttle.share(() => throttle.share);
  return throttle;
}
