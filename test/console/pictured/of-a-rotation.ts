/** What stands behind one rotation: its phases, ranges and samples, and what it set aside. */
import { rotation } from './rotations.ts';
import { before, longNamed, type Told, uuid } from './told.ts';

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
