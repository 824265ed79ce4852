import { kekIds, keyIdOf, runningId, tenantId, tenantIdOf } from './fleet.ts';
import { ada, before, byPolicy, hash, items, longNamed, type Told, uuid, within } from './told.ts';

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
const paused = rotationOf(3, {
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

const finished = (id: string): boolean => rotation(id).completedAt !== null;

export const timeline = (rotationId: string): Told<'getRotationTimeline'> => ({
  rotationId,
  tenantId: rotation(rotationId).tenantId,
  phases: [
    { phase: 'queued', begin: before(0, 1, 12), end: before(0, 1, 11), durationMs: 60_000 },
    { phase: 'activating', begin: before(0, 1, 11), end: before(0, 1, 10), durationMs: 60_000 },
    finished(rotationId)
      ? { phase: 'sweeping', begin: before(0, 1, 10), end: before(0, 0, 22), durationMs: 2_880_000 }
      : { phase: 'sweeping', begin: before(0, 1, 10), end: null, durationMs: 4_200_000 },
    ...(finished(rotationId)
      ? [{ phase: 'verifying' as const, begin: before(0, 0, 22), end: before(0, 0, 20), durationMs: 120_000 }]
      : []),
  ],
  events: [
    {
      sequence: 1,
      at: before(0, 1, 12),
      kind: 'rotation.requested',
      actor: { kind: 'user', realm: 'default', id: longNamed.id },
      reason: 'A laptop was lost on the train from Zürich to Milano, with the key on its disk.',
      failureReason: null,
    },
    {
      sequence: 2,
      at: before(0, 1, 11),
      kind: 'rotation.switched',
      actor: { kind: 'worker', realm: null, id: uuid('process 0') },
      reason: null,
      failureReason: null,
    },
  ],
});

type Cell = Told<'getRotationRanges'>['cells'][number];

const none = { planned: 0, sweeping: 0, left: 0, swept: 0, proved: 0 };
const cellOf = (target: string, state: keyof Cell['ranges'], more: Partial<Cell> = {}): Cell => ({
  target,
  ranges: { ...none, [state]: 1 },
  items: 20_000,
  itemsRotated: 0,
  itemsFailed: 0,
  itemsProved: 0,
  waitingFor: null,
  ...more,
});
const cellsOf = (target: string, counts: ReadonlyArray<readonly [keyof Cell['ranges'], number]>): Cell[] =>
  counts.flatMap(([state, n]) => Array.from({ length: n }, () => cellOf(target, state)));

export const ranges = (rotationId: string): Told<'getRotationRanges'> => ({
  rotationId,
  tenantId: rotation(rotationId).tenantId,
  cells: finished(rotationId)
    ? ['credentials', 'api_keys', 'secrets'].map((target) => cellOf(target, 'proved'))
    : [
        ...cellsOf('credentials', [
          ['proved', 58],
          ['swept', 2],
          ['sweeping', 3],
          ['left', 1],
          ['planned', 10],
        ]),
        ...cellsOf('api_keys', [['proved', 29]]),
        cellOf('api_keys', 'proved', { itemsFailed: 12 }),
        ...cellsOf('secrets', [
          ['proved', 50],
          ['sweeping', 3],
        ]),
        cellOf('secrets', 'left', { waitingFor: 'lock' }),
        ...cellsOf('secrets', [['planned', 94]]),
      ],
});

export const samples = (rotationId: string): Told<'getRotationSamples'> => ({
  rotationId,
  tenantId: rotation(rotationId).tenantId,
  samples: finished(rotationId)
    ? []
    : Array.from({ length: 70 }, (_, at) => ({
        at: before(0, 1, 10 - at),
        itemsDone: at * 40_000,
        itemsPerSecond: at > 30 && at < 38 ? 0 : 12_000 + Math.round(4_000 * Math.sin(at / 5)),
        waitingFor: at > 30 && at < 38 ? 'lock' : null,
      })),
});

export const failures = (rotationId: string): Told<'listRotationFailures'> => ({
  rotationId,
  tenantId: rotation(rotationId).tenantId,
  failures: [
    {
      itemType: 'credentials',
      target: 'credentials',
      recordId: uuid('record 1'),
      reason: 'AUTHENTICATION_FAILED',
      at: before(0, 0, 50),
    },
    {
      itemType: 'secrets',
      target: 'payment_instruments',
      recordId: `customer-98812/card-${'0123456789'.repeat(6)}`,
      reason: 'REFUSED_BY_CONSTRAINT',
      at: before(0, 0, 49),
    },
  ],
  nextCursor: null,
});

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

const noneYet = {
  waiting: 0,
  running: 0,
  completed: 0,
  completed_with_failures: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
};
type Campaign = Told<'getCampaign'>;

const campaignOf = (at: number, of: Partial<Campaign>): Campaign => ({
  campaignId: `campaign-${uuid(`campaign ${at}`)}`,
  action: 'rotate',
  whom: { olderThanDays: 365 },
  kek: null,
  order: 'smallest_first',
  canaries: 3,
  atOnceMax: 10,
  perHourMax: null,
  failuresMax: 5,
  callsPerSecondMax: null,
  status: 'completed',
  stoppedFor: null,
  waitingFor: null,
  tenantsTotal: 4_210,
  tenantsByState: { ...noneYet, completed: 4_187, skipped: 23 },
  percentComplete: 100,
  startedAt: before(at * 30, 3),
  completedAt: before(at * 30, 1),
  initiatedBy: ada,
  ...of,
});
export const campaign = campaignOf(0, {
  status: 'paused',
  stoppedFor: 'failures',
  perHourMax: 500,
  tenantsByState: {
    waiting: 2_001,
    running: 2,
    completed: 2_180,
    completed_with_failures: 3,
    failed: 2,
    cancelled: 1,
    skipped: 21,
  },
  percentComplete: 52.42,
  completedAt: null,
  initiatedBy: longNamed,
});
export const campaigns: Told<'listCampaigns'> = {
  campaigns: [
    campaign,
    campaignOf(1, {
      action: 'rewrap',
      kek: 'production-eu-central-1-2025',
      whom: { onKek: 'production-eu-central-1-2024' },
      callsPerSecondMax: 100,
      status: 'in_progress',
      tenantsByState: { ...noneYet, waiting: 3, running: 1 },
      tenantsTotal: 4,
      percentComplete: 0,
      completedAt: null,
    }),
    campaignOf(2, { whom: { all: true } }),
    campaignOf(3, {
      whom: { tenants: 12 },
      status: 'cancelled',
      tenantsTotal: 12,
      tenantsByState: { ...noneYet, cancelled: 12 },
    }),
  ],
  nextCursor: 'older',
};
const memberStates = [
  'completed',
  'completed',
  'completed',
  'completed_with_failures',
  'failed',
  'running',
  'skipped',
  'waiting',
] as const;
export const members: Told<'listCampaignTenants'> = {
  tenants: memberStates.map((state, at) => ({
    tenantId: tenantIdOf(at),
    position: at + 1,
    items: 17 * 10 ** Math.floor(at / 2),
    state,
    canary: at < 3,
    workId: at > 5 ? null : `rot-${uuid(`rotation ${at}`)}`,
    reason: state === 'skipped' ? 'ROTATION_IN_PROGRESS' : state === 'failed' ? 'KEK_DENIED' : null,
    startedAt: at > 5 ? null : before(0, 2, at),
    endedAt: at > 4 ? null : before(0, 1, at),
  })),
  nextCursor: 'further',
};

type Rewrap = Told<'getRewrap'>;

const rewrapOf = (at: number, of: Partial<Rewrap>): Rewrap => ({
  rewrapId: `rewrap-${uuid(`rewrap ${at}`)}`,
  tenantId: null,
  kek: 'production-eu',
  kekId: kekIds.aws,
  status: 'completed',
  keysTotal: 13_231,
  keysRewrapped: 13_231,
  keysSetAside: 0,
  keysRemaining: 0,
  percentComplete: 100,
  recordsReencrypted: 0,
  kmsCalls: 39_693,
  callsPerSecondMax: 100,
  forced: false,
  waitingFor: null,
  waitingDetail: null,
  startedAt: before(at * 20, 2),
  completedAt: before(at * 20, 1),
  initiatedBy: ada,
  fingerprintBefore: hash('keys'),
  fingerprintAfter: hash('keys'),
  ...of,
});
export const rewrap = rewrapOf(0, {
  status: 'in_progress',
  keysRewrapped: 8_112,
  keysSetAside: 3,
  keysRemaining: 5_116,
  percentComplete: 61.33,
  completedAt: null,
  forced: true,
  waitingFor: 'kms',
  waitingDetail: {
    what: 'the KMS of the KEK does not answer',
    since: before(0, 0, 3),
    todo: 'look whether it can be reached',
  },
  initiatedBy: longNamed,
});
export const rewraps: Told<'listRewraps'> = {
  rewraps: [
    rewrap,
    rewrapOf(1, { tenantId, kek: 'tenant-example-ltd-own-key', keysTotal: 3, keysRewrapped: 3, kmsCalls: 9 }),
    rewrapOf(2, { status: 'cancelled', keysRewrapped: 100, keysRemaining: 13_131, percentComplete: 0.76 }),
  ],
  nextCursor: null,
};

type Event = Told<'listAudit'>['events'][number];

const eventOf = (at: number, kind: string, actor: string, payload: Record<string, unknown>): Event => ({
  event: {
    actor: {
      kind: actor,
      realm: actor === 'user' ? 'default' : null,
      id: actor === 'user' ? longNamed.id : uuid('process 0'),
      nameHash: null,
    },
    at: before(0, at).replace('Z', '000Z'),
    chain: tenantIdOf(at),
    databaseRole: 'rekey_api',
    kind,
    payload,
    previous: hash(`event ${at}`),
    rotationId: at % 3 === 2 ? null : uuid(`rotation ${at}`),
    sequence: 48_211 - at,
    version: 1,
  },
  hash: hash(`event ${at + 1}`),
});
export const audit: Told<'listAudit'> = {
  events: [
    eventOf(0, 'rotation.requested', 'user', { reason: 'yearly' }),
    eventOf(1, 'rotation.switched', 'worker', {}),
    eventOf(2, 'kek_compromise.rewrap_completed', 'worker', {}),
    eventOf(3, 'rotation.completed_with_failures', 'worker', {}),
    eventOf(4, 'policy.put', 'user', { version: 2 }),
  ],
  nextCursor: 'further',
};

export const summary: Told<'getSummary'> = {
  tenantId: null,
  rotations: {
    in_progress: 2,
    paused: 1,
    completed: 12_402,
    completed_with_failures: 3,
    failed: 1,
    cancelled: 27,
  },
  needsSomebody: {
    count: 4,
    byReason: {
      paused: 1,
      failed: 1,
      completed_with_failures: 1,
      integrity: 1,
      internal: 0,
      kek_suspended: 0,
    },
    rotations: [
      {
        rotationId: `rot-${uuid('rotation 8')}`,
        tenantId: tenantIdOf(7),
        reason: 'integrity',
        since: before(9),
      },
      { rotationId: paused.rotationId, tenantId: paused.tenantId, reason: 'paused', since: before(1, 4) },
      {
        rotationId: ended.rotationId,
        tenantId: ended.tenantId,
        reason: 'completed_with_failures',
        since: before(0, 20),
      },
    ],
  },
  activeKeyAges: [
    { daysBelow: 1, keys: 12 },
    { daysBelow: 7, keys: 88 },
    { daysBelow: 30, keys: 310 },
    { daysBelow: 90, keys: 1_204 },
    { daysBelow: 180, keys: 1_590 },
    { daysBelow: 365, keys: 994 },
    { daysBelow: null, keys: 12 },
  ],
  byPolicy: { fresh: 4_150, due: 43, overdue: 12, orphaned: 1, seenAt: before(0, 0, 2) },
  wrappingsByPolicy: { fresh: 820, due: 4, overdue: 2, orphaned: 0, seenAt: before(0, 0, 2) },
};

export const simulation: Told<'simulateCampaign'> = {
  tenantsTotal: 1_006,
  itemsTotal: 98_112_004,
  skipped: { count: 3, tenants: [{ tenantId, reason: 'rotation_in_progress', workId: runningId }] },
  seconds: { low: 5_400, high: 19_000, by: 'assumed' },
  endsAt: { earliest: within(0, 1, 30), latest: within(0, 5, 16) },
  assumed: { workers: 2, atOnce: { low: 4, high: 10 } },
  policyNotKept: { count: 2, certain: 1, tenants: [] },
};

export const rewrapPlan: Told<'planRewrap'> = {
  tenantId: null,
  kek: 'next',
  kekId: kekIds.local,
  census: [{ kekId: kekIds.aws, keys: { preActive: 0, active: 4_187, deactivated: 9_021, compromised: 0 } }],
  keysToRewrap: 13_208,
  kmsCalls: 39_624,
  fingerprint: hash('keys'),
  lacking: [
    {
      processId: uuid('process 2'),
      kind: 'vault',
      host: 'shop-frontend-production-eu-central-1a-6c8b9d7f5d-hm2lp',
      databaseRole: 'shop',
    },
    { processId: uuid('process 3'), kind: 'vault', host: 'billing-1', databaseRole: 'billing_application' },
  ],
};
