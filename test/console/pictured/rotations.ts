import { keyIdOf, runningId, tenantId, tenantIdOf } from './fleet.ts';
import { ada, before, byPolicy, items, longNamed, type Told, uuid, within } from './told.ts';

type Rotation = Told<'getRotation'>;

const nothing = items(0, 0, 0);

function rotationOf(at: number, of: Partial<Rotation>): Rotation {
  const itemsToRotate = of.itemsToRotate ?? items(25 * at, 10 * at, 50 * at);
  return {
    rotationId: `rot-${uuid(`rotation ${at}`)}`,
    tenantId: tenantIdOf(at),
    retryOf: null,
    status: 'completed',
    phase: 'done',
    previousKeyId: keyIdOf(at, 2),
    newKeyId: keyIdOf(at, 3),
    startedAt: before(at, 1),
    switchedAt: before(at, 0, 59),
    drainedAt: before(at, 0, 58),
    completedAt: before(at, 0, 20),
    estimatedCompletion: null,
    estimatedRange: null,
    itemsToRotate,
    itemsRotated: itemsToRotate,
    itemsSuperseded: nothing,
    itemsFailed: nothing,
    itemsRemaining: nothing,
    targets: [],
    percentComplete: 100,
    itemsPerSecond: 0,
    itemsPerSecondMax: null,
    waitingFor: null,
    waitingDetail: null,
    failureReason: null,
    initiatedBy: ada,
    compromise: false,
    supersededBy: null,
    policyVersion: null,
    windows: null,
    throttledBy: null,
    ...of,
  };
}

/** Everything that can be shown of one that runs. */
export const running = rotationOf(0, {
  rotationId: runningId,
  tenantId,
  status: 'in_progress',
  phase: 'sweeping',
  startedAt: before(0, 1, 12),
  switchedAt: before(0, 1, 11),
  drainedAt: before(0, 1, 10),
  completedAt: null,
  estimatedCompletion: within(0, 0, 44),
  estimatedRange: { earliest: within(0, 0, 38), latest: within(0, 0, 55) },
  itemsToRotate: items(1_470_588, 588_235, 2_941_177),
  itemsRotated: items(1_201_331, 588_003, 1_024_410),
  itemsSuperseded: items(20_117, 220, 3_017),
  itemsFailed: items(3, 12, 0),
  itemsRemaining: items(249_137, 0, 1_913_750),
  percentComplete: 56.75,
  itemsPerSecond: 14_821,
  itemsPerSecondMax: 20_000,
  initiatedBy: longNamed,
  compromise: true,
  throttledBy: {
    signal: 'latency',
    detail: 'applications wait 41 ms for a commit (p99), where 20 ms are allowed',
    since: before(0, 0, 6),
  },
});

const waiting = rotationOf(2, {
  status: 'in_progress',
  phase: 'sweeping',
  completedAt: null,
  estimatedCompletion: null,
  itemsToRotate: items(25, 10, 50),
  itemsRotated: items(5, 10, 0),
  itemsRemaining: items(20, 0, 50),
  percentComplete: 17.65,
  waitingFor: 'lock',
  waitingDetail: {
    what: 'transactions that began before the switch still hold the old DEK',
    since: before(0, 0, 14),
    todo: 'end them, or wait for them',
    holders: [
      { pid: 4_711, gid: null, applicationName: 'nightly-export', since: before(0, 2), sinceIsExact: true },
    ],
  },
});
export const paused = rotationOf(3, {
  status: 'paused',
  phase: 'sweeping',
  completedAt: null,
  itemsRotated: items(30, 0, 0),
  itemsRemaining: items(45, 30, 150),
  percentComplete: 11.76,
  waitingDetail: { what: 'somebody paused it', since: before(1, 4), todo: 'resume it or cancel it' },
  itemsPerSecondMax: 500,
});
/** One that has ended, with what was planned and what it took. */
export const ended = rotationOf(4, {
  itemsToRotate: items(25, 10, 50),
  itemsRotated: items(24, 10, 47),
  itemsSuperseded: items(0, 0, 1),
  itemsFailed: items(1, 0, 2),
  status: 'completed_with_failures',
  retryOf: `rot-${uuid('rotation 5')}`,
  plan: {
    planId: `plan-${uuid('plan')}`,
    itemsToRotate: items(25, 10, 50),
    seconds: { low: 0.8, high: 2.4, by: 'assumed' },
    walBytes: { low: 131_072, high: 262_144, by: 'assumed' },
    kmsCalls: { low: 3, high: 4 },
  },
  actual: { itemsToRotate: items(25, 10, 50), seconds: 1.32, walBytes: 181_220, kmsCalls: 3 },
});
const latest = [
  running,
  waiting,
  paused,
  ended,
  rotationOf(1, { itemsToRotate: items(25_000, 10_000, 50_000), initiatedBy: byPolicy }),
  rotationOf(5, { status: 'failed', failureReason: 'KEK_DENIED', initiatedBy: longNamed }),
  rotationOf(6, { status: 'cancelled' }),
];
export const rotations = (status: string | null, of: string | null): Told<'listRotations'> => ({
  rotations: latest
    .filter((one) => (status === null || one.status === status) && (of === null || one.tenantId === of))
    .map(({ plan: _plan, actual: _actual, ...one }) => one),
  nextCursor: status === null && of === null ? 'older' : null,
});
export const rotation = (id: string): Rotation => latest.find(({ rotationId }) => rotationId === id) ?? ended;

export const plan: Told<'getPlan'> = {
  planId: `plan-${uuid('plan')}`,
  tenantId,
  check: 'sample',
  status: 'completed',
  startedAt: before(0, 0, 1),
  completedAt: before(0),
  expiresAt: within(1),
  itemsToRotate: items(1_470_588, 588_235, 2_941_177),
  rangesToSweep: 251,
  targets: [{ name: 'credentials', itemType: 'credentials', records: 1_470_588, ranges: 74 }],
  recordsSized: 5_000_000,
  recordsOpened: 1_000,
  bytes: 1_730_000_000,
  estimate: {
    seconds: { low: 290, high: 640, by: 'measured' },
    walBytes: { low: 4_100_000_000, high: 6_300_000_000, by: 'assumed' },
    kmsCalls: { low: 3, high: 12 },
  },
  queue: { running: 2, waiting: 14, itemsAhead: 98_112 },
  openedRecords: {
    records: 1_000,
    seed: 42,
    notOpening: { AUTHENTICATION_FAILED: 2 },
    recordsNotOpeningMax: 36_112,
    confidence: 0.95,
  },
  waitingFor: null,
  waitingDetail: null,
  rotationId: null,
  initiatedBy: ada,
};
