import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, KeyId, RotationId, Timestamp, Uuid } from './ids.ts';
import { ItemCounts, itemTypes } from './items.ts';
import { OpenHoursList } from './open-hours.ts';
import { plannedFields } from './planned.ts';
import { Reason } from './reason.ts';
import { IdempotencyKey, Initiator, RealmName } from './rotate.ts';

export const RotationStatus = Type.Union([
  Type.Literal('in_progress'),
  Type.Literal('paused'),
  Type.Literal('completed'),
  Type.Literal('completed_with_failures'),
  Type.Literal('failed'),
  Type.Literal('cancelled'),
]);

export const RotationPhase = Type.Union([
  Type.Literal('queued'),
  Type.Literal('activating'),
  Type.Literal('sweeping'),
  Type.Literal('verifying'),
  Type.Literal('done'),
]);

export const WaitingFor = Type.Union([
  Type.Literal('worker'),
  Type.Literal('kms'),
  Type.Literal('database'),
  Type.Literal('lock'),
  Type.Literal('integrity'),
  Type.Literal('internal'),
  Type.Literal('window'),
  Type.Literal('kek_suspended'),
]);

/** A transaction that a rotation waits for: its process, or its gid where it was prepared. */
export const Holder = Type.Object(
  {
    pid: Type.Union([Type.Integer(), Type.Null()]),
    gid: Type.Union([Type.String(), Type.Null()]),
    applicationName: Type.Union([Type.String(), Type.Null()], {
      description: 'Shown to `super_admin` only.',
    }),
    since: Type.Union([Timestamp, Type.Null()]),
    sinceIsExact: Type.Boolean({ description: 'False: it began then or earlier.' }),
  },
  { additionalProperties: false },
);

/** What a stalled rotation waits for, since when, and what to do about it. */
export const WaitingDetail = Type.Object(
  {
    what: Type.String(),
    since: Type.Union([Timestamp, Type.Null()]),
    todo: Type.String(),
    holders: Type.Optional(Type.Array(Holder)),
  },
  { additionalProperties: false },
);

/** What was done in one registered table; which records of the application changed meanwhile is counted by item type only. */
export const TargetProgress = Type.Object(
  {
    name: Type.String({ description: 'As the operator registered it.' }),
    itemType: Type.Enum(itemTypes),
    itemsRotated: Type.Integer({ minimum: 0 }),
    itemsFailed: Type.Integer({ minimum: 0 }),
    itemsRemaining: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);

/** What the sweep is held back for, for the sake of production. */
export const ThrottledBy = Type.Object(
  {
    signal: Type.Union(
      [
        Type.Literal('lag'),
        Type.Literal('wal_archive'),
        Type.Literal('load'),
        Type.Literal('latency'),
        Type.Literal('locks'),
        Type.Literal('dead_tuples'),
        Type.Literal('query'),
        Type.Literal('http'),
      ],
      { description: 'What was seen; docs/protection.md has them all.' },
    ),
    detail: Type.String(),
    since: Timestamp,
  },
  { additionalProperties: false },
);

/** Between which moments a rotation that runs will have ended, by how it went. */
export const EstimatedRange = Type.Object(
  {
    earliest: Timestamp,
    latest: Type.Union([Timestamp, Type.Null()], {
      description: 'Null while it waits or is throttled to a stop: nobody knows until when.',
    }),
  },
  { additionalProperties: false },
);

/** A rotation as `GET …/rotations/{rotationId}` and `POST …/pause`, `/resume`, `/cancel` and `/retry` answer it. */
export const Rotation = Type.Object(
  {
    rotationId: RotationId,
    tenantId: Uuid,
    retryOf: Type.Union([RotationId, Type.Null()], {
      description: 'The rotation whose left-overs this one sweeps, to the same DEK.',
    }),
    status: RotationStatus,
    phase: RotationPhase,
    previousKeyId: Type.Union([KeyId, Type.Null()], { description: 'Null for a tenant that had no DEK.' }),
    newKeyId: KeyId,
    startedAt: Timestamp,
    switchedAt: Type.Union([Timestamp, Type.Null()], { description: 'When the new DEK became active.' }),
    drainedAt: Type.Union([Timestamp, Type.Null()], {
      description: 'When nothing could be written under an older DEK any more.',
    }),
    completedAt: Type.Union([Timestamp, Type.Null()]),
    estimatedCompletion: Type.Union([Timestamp, Type.Null()], {
      description: 'Null while it is paused. While it stands still, as if it went on now.',
    }),
    estimatedRange: Type.Union([EstimatedRange, Type.Null()], {
      description: 'Null where nothing was measured yet, or it does not run.',
    }),
    itemsToRotate: ItemCounts,
    itemsRotated: ItemCounts,
    itemsSuperseded: ItemCounts,
    itemsFailed: ItemCounts,
    itemsRemaining: ItemCounts,
    targets: Type.Array(TargetProgress, {
      description:
        'The registered tables, by name, as far as they are planned; each counts under its item type.',
    }),
    percentComplete: Type.Number({ minimum: 0, maximum: 100 }),
    itemsPerSecond: Type.Number({ minimum: 0 }),
    itemsPerSecondMax: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      description: 'What it is held back to, over all workers; null: nothing.',
    }),
    waitingFor: Type.Union([WaitingFor, Type.Null()]),
    waitingDetail: Type.Union([WaitingDetail, Type.Null()]),
    failureReason: Type.Union([Type.String(), Type.Null()]),
    initiatedBy: Initiator,
    compromise: Type.Boolean({
      description:
        'Because the DEK that it replaces is compromised: it comes before all others, and nothing holds it back.',
    }),
    supersededBy: Type.Union([RotationId, Type.Null()], {
      description: 'The rotation that took its place, because of a compromised key.',
    }),
    windows: OpenHoursList,
    policyVersion: Type.Union([Type.String(), Type.Null()], {
      description: 'Of the policy that began it, `<default>.<tenant>`; null: somebody called for it.',
    }),
    ...plannedFields,
    throttledBy: Type.Union([ThrottledBy, Type.Null()], {
      description: 'What its sweep is held back for, for the sake of production; it goes on by itself.',
    }),
  },
  { additionalProperties: false },
);
export type Rotation = Static<typeof Rotation>;

export const RotationParams = Type.Object({
  rotationId: Type.String({
    description: 'rot-<uuid>',
    examples: ['rot-550e8400-e29b-41d4-a716-446655440001'],
  }),
});

export const RotationHeaders = Type.Object({
  'x-tenantid': Type.Optional(AnyCaseUuid),
  realmname: Type.Optional(RealmName),
});

export const RetryHeaders = Type.Object({
  ...RotationHeaders.properties,
  'idempotency-key': Type.Optional(IdempotencyKey),
});

export const rotationMessage = 'DEK rotation status';
export const cancelMessage = 'DEK rotation cancelled';
export const pauseMessage = 'DEK rotation paused';
export const resumeMessage = 'DEK rotation resumed';
export const retryMessage = 'DEK rotation retried';
export const updateMessage = 'DEK rotation updated';

const example = {
  success: true,
  message: rotationMessage,
  data: {
    rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
    tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
    retryOf: null,
    status: 'in_progress',
    phase: 'sweeping',
    previousKeyId: 'dek-7b1f3c52-8f0e-4c58-9d0a-2f6f5a1f0c3d',
    newKeyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
    startedAt: '2025-07-10T14:35:00.000Z',
    switchedAt: '2025-07-10T14:35:00.120Z',
    drainedAt: '2025-07-10T14:35:00.125Z',
    completedAt: null,
    estimatedCompletion: '2025-07-10T14:35:04.000Z',
    estimatedRange: { earliest: '2025-07-10T14:35:03.600Z', latest: '2025-07-10T14:35:04.450Z' },
    itemsToRotate: { credentials: 25, apiKeys: 10, secrets: 50 },
    itemsRotated: { credentials: 25, apiKeys: 4, secrets: 12 },
    itemsSuperseded: { credentials: 0, apiKeys: 1, secrets: 0 },
    itemsFailed: { credentials: 0, apiKeys: 0, secrets: 0 },
    itemsRemaining: { credentials: 0, apiKeys: 5, secrets: 38 },
    targets: [
      { name: 'api_keys', itemType: 'apiKeys', itemsRotated: 4, itemsFailed: 0, itemsRemaining: 5 },
      { name: 'credentials', itemType: 'credentials', itemsRotated: 25, itemsFailed: 0, itemsRemaining: 0 },
      { name: 'secrets', itemType: 'secrets', itemsRotated: 12, itemsFailed: 0, itemsRemaining: 38 },
    ],
    percentComplete: 49.4,
    itemsPerSecond: 21,
    itemsPerSecondMax: null,
    waitingFor: null,
    waitingDetail: null,
    failureReason: null,
    initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
    throttledBy: null,
    compromise: false,
    supersededBy: null,
    windows: null,
    policyVersion: null,
  },
  timestamp: '2025-07-10T14:35:02.000Z',
};

export const RotationResponse = answer(
  'Rotation',
  Type.Enum([rotationMessage, cancelMessage, pauseMessage, resumeMessage, retryMessage, updateMessage]),
  Rotation,
  { examples: [example] },
);
export type RotationResponse = Static<typeof RotationResponse>;

/** Pausing, resuming, cancelling and retrying need no body; an empty object is taken too. */
export const SteeringBody = Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false });

/** What may be changed of an unfinished rotation. */
export const UpdateBody = Type.Object(
  {
    itemsPerSecondMax: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 10_000_000 }), Type.Null()], {
        title: 'whole number from 1 to 10000000, or null',
        description: 'Records per second at most, over all workers together; null: as many as they can.',
      }),
    ),
    windows: Type.Optional(OpenHoursList),
    reason: Type.Optional(Reason),
  },
  { additionalProperties: false, examples: [{ itemsPerSecondMax: 500 }] },
);
