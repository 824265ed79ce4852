import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { setAsideReasons } from './failures.ts';
import { AnyCaseUuid, PlanId, RotationId, Timestamp, Uuid } from './ids.ts';
import { ItemCounts, itemTypes } from './items.ts';
import { IdempotencyKey, Initiator, RealmName } from './rotate.ts';

export const planMessage = 'DEK rotation planned';
export const planStatusMessage = 'DEK rotation plan';

export const PlanParams = Type.Object({
  planId: Type.String({
    description: 'plan-<uuid>',
    examples: ['plan-550e8400-e29b-41d4-a716-446655440003'],
  }),
});

export const PlanHeaders = Type.Object({
  'x-tenantid': Type.Optional(AnyCaseUuid),
  realmname: Type.Optional(RealmName),
  'idempotency-key': Type.Optional(IdempotencyKey),
});

export const PlanBody = Type.Object(
  {
    tenantId: AnyCaseUuid,
    check: Type.Optional(
      Type.Enum(['none', 'sample', 'all'], {
        default: 'none',
        title: 'none, sample or all',
        description:
          'Which records are opened, to find those that will not: none, about a thousand chosen by chance, or every one.',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6', check: 'sample' }],
  },
);

const Count = Type.Integer({ minimum: 0 });
const by = {
  by: Type.Enum(['measured', 'assumed'], {
    description:
      '`measured`: by rotations of about this size that ended here. `assumed`: there was none, and the range is wide.',
  }),
};

/** A range, within whose ends the figure is expected. */
const Between = Type.Object(
  { low: Type.Number({ minimum: 0 }), high: Type.Number({ minimum: 0 }) },
  { additionalProperties: false },
);
const BetweenBy = Type.Object({ ...Between.properties, ...by }, { additionalProperties: false });

export const PlanEstimate = Type.Object(
  {
    seconds: BetweenBy,
    walBytes: BetweenBy,
    kmsCalls: Between,
  },
  {
    additionalProperties: false,
    description: 'Seconds are from the call to the end, with what stands before it.',
  },
);

const opened = Type.Object(
  {
    records: Type.Integer({ minimum: 0, description: 'That were opened.' }),
    seed: Type.Integer({ description: 'What chose the sample.' }),
    notOpening: Type.Object(
      Object.fromEntries(setAsideReasons.map((reason) => [reason, Type.Optional(Count)])),
      {
        additionalProperties: false,
        description: 'How many of these will not, by the reason that a rotation would set them aside for.',
      },
    ),
    recordsNotOpeningMax: Type.Integer({
      minimum: 0,
      description: 'Of all records of the tenant so many at most will not open,',
    }),
    confidence: Type.Number({ minimum: 0, maximum: 1, description: 'with this confidence.' }),
  },
  { additionalProperties: false },
);

export const Plan = Type.Object(
  {
    planId: PlanId,
    tenantId: Uuid,
    check: Type.Enum(['none', 'sample', 'all']),
    status: Type.Enum(['in_progress', 'completed', 'failed'], {
      description: '`failed`: it could not be made within a day; `waitingDetail` says what was in the way.',
    }),
    startedAt: Timestamp,
    completedAt: Type.Union([Timestamp, Type.Null()]),
    expiresAt: Timestamp,
    itemsToRotate: ItemCounts,
    rangesToSweep: Type.Integer({ minimum: 0, description: 'Parts that workers take at a time, each.' }),
    targets: Type.Array(
      Type.Object(
        { name: Type.String(), itemType: Type.Enum(itemTypes), records: Count, ranges: Count },
        { additionalProperties: false },
      ),
      { description: 'The registered tables, by name.' },
    ),
    recordsSized: Type.Integer({ minimum: 0, description: 'Records whose size was read so far.' }),
    recordsOpened: Type.Integer({ minimum: 0, description: 'And that were opened.' }),
    bytes: Type.Union([Count, Type.Null()], {
      description: 'Of all ciphertexts. Null until it is completed.',
    }),
    estimate: Type.Union([PlanEstimate, Type.Null()], { description: 'Null until it is completed.' }),
    queue: Type.Union(
      [
        Type.Object({ running: Count, waiting: Count, itemsAhead: Count }, { additionalProperties: false }),
        Type.Null(),
      ],
      { description: 'Rotations of all tenants that stood before it when it was completed.' },
    ),
    openedRecords: Type.Union([opened, Type.Null()], {
      description: 'Null until it is completed, and with `check: none`: no record was looked at.',
    }),
    waitingFor: Type.Union([
      Type.Enum(['worker', 'kms', 'database', 'lock', 'integrity', 'internal', 'kek_suspended']),
      Type.Null(),
    ]),
    waitingDetail: Type.Union([
      Type.Object(
        { what: Type.String(), since: Type.Union([Timestamp, Type.Null()]), todo: Type.String() },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    rotationId: Type.Union([RotationId, Type.Null()], {
      description: 'The rotation that was started with it.',
    }),
    initiatedBy: Initiator,
  },
  { additionalProperties: false },
);
export type Plan = Static<typeof Plan>;

const example: Plan = {
  planId: 'plan-550e8400-e29b-41d4-a716-446655440003',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  check: 'sample',
  status: 'completed',
  startedAt: '2025-07-10T14:30:00.000Z',
  completedAt: '2025-07-10T14:30:03.000Z',
  expiresAt: '2025-08-09T14:30:00.000Z',
  itemsToRotate: { credentials: 25_000, apiKeys: 10_000, secrets: 50_000 },
  rangesToSweep: 6,
  targets: [
    { name: 'api_keys', itemType: 'apiKeys', records: 10_000, ranges: 1 },
    { name: 'credentials', itemType: 'credentials', records: 25_000, ranges: 2 },
    { name: 'secrets', itemType: 'secrets', records: 50_000, ranges: 3 },
  ],
  recordsSized: 85_000,
  recordsOpened: 1_013,
  bytes: 8_500_000,
  estimate: {
    seconds: { low: 2.1, high: 4.2, by: 'measured' },
    walBytes: { low: 41_000_000, high: 82_000_000, by: 'measured' },
    kmsCalls: { low: 3, high: 5 },
  },
  queue: { running: 0, waiting: 0, itemsAhead: 0 },
  openedRecords: {
    records: 1_013,
    seed: 815,
    notOpening: {},
    recordsNotOpeningMax: 252,
    confidence: 0.95,
  },
  waitingFor: null,
  waitingDetail: null,
  rotationId: null,
  initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
};

export const PlanResponse = answer('Plan', Type.Enum([planMessage, planStatusMessage]), Plan, {
  examples: [
    { success: true, message: planStatusMessage, data: example, timestamp: '2025-07-10T14:30:04.000Z' },
  ],
});
export type PlanResponse = Static<typeof PlanResponse>;
