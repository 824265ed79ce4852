import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCasePlanId, AnyCaseUuid, KeyId, RotationId, Timestamp, Uuid } from './ids.ts';
import { ItemCounts } from './items.ts';
import { KekName } from './keks.ts';
import { Reason } from './reason.ts';

export const RotateBody = Type.Object(
  {
    tenantId: AnyCaseUuid,
    reason: Type.Optional(Reason),
    planId: Type.Optional(AnyCasePlanId),
    kek: Type.Optional(KekName),
    compromise: Type.Optional(
      Type.Boolean({
        description:
          'The active key is compromised: an ordinary rotation that runs is cancelled and replaced by this one, which comes before all others and is held back by nothing.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6' }] },
);
export type RotateBody = Static<typeof RotateBody>;

export const RealmName = Type.String({
  description: 'The authentication realm that issued the token; absent: the default realm.',
});

export const IdempotencyKey = Type.String({
  pattern: '^[\\x21-\\x7e]{1,255}$',
  maxLength: 255,
  title: 'idempotency key (1 to 255 visible ASCII characters)',
  description:
    'Visible ASCII. The same key, caller and body within 24 hours replays the 200; with another body it gets 422.',
  examples: ['rotate-2025-07-10'],
});

export const RotateHeaders = Type.Object({
  'x-tenantid': AnyCaseUuid,
  realmname: Type.Optional(RealmName),
  'idempotency-key': Type.Optional(IdempotencyKey),
});

export const Initiator = Type.Object(
  {
    id: Type.String({ description: 'The `sub` of the token.' }),
    name: Type.Union([Type.String(), Type.Null()]),
    email: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);

export const StartedRotation = Type.Object(
  {
    rotationId: RotationId,
    tenantId: Uuid,
    status: Type.Literal('in_progress'),
    previousKeyId: Type.Union([KeyId, Type.Null()], { description: 'Null for a tenant that had no DEK.' }),
    newKeyId: KeyId,
    startedAt: Timestamp,
    estimatedCompletion: Timestamp,
    itemsToRotate: ItemCounts,
    initiatedBy: Initiator,
  },
  { additionalProperties: false },
);
export type StartedRotation = Static<typeof StartedRotation>;

export const rotateMessage = 'DEK rotation initiated successfully';

export const RotateResponse = answer('StartedRotation', Type.Literal(rotateMessage), StartedRotation, {
  examples: [
    {
      success: true,
      message: rotateMessage,
      data: {
        rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
        tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
        status: 'in_progress',
        previousKeyId: 'dek-7b1f3c52-8f0e-4c58-9d0a-2f6f5a1f0c3d',
        newKeyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
        startedAt: '2025-07-10T14:35:00.000Z',
        estimatedCompletion: '2025-07-10T14:45:00.000Z',
        itemsToRotate: { credentials: 25, apiKeys: 10, secrets: 50 },
        initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
      },
      timestamp: '2025-07-10T14:35:00.000Z',
    },
  ],
});
export type RotateResponse = Static<typeof RotateResponse>;
