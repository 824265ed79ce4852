/** The summary and the audit: what is told of all at once. */
import { tenantIdOf } from './fleet.ts';
import { ended, paused } from './rotations.ts';
import { before, hash, longNamed, type Told, uuid } from './told.ts';

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
