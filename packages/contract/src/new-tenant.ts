import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, KeyId, RotationId, Timestamp, Uuid } from './ids.ts';
import { IdempotencyKey, RealmName } from './rotate.ts';

export const newTenantMessage = 'Tenant created';

const TenantName = Type.String({
  title: 'name of 1 to 200 characters',
  minLength: 1,
  maxLength: 200,
  // Neither control characters nor halves of a pair, which Postgres would not take.
  pattern: '^[^\\p{Cc}\\p{Cs}]*$',
  examples: ['Example Ltd'],
});

export const NewTenantHeaders = Type.Object({
  realmname: Type.Optional(RealmName),
  'idempotency-key': Type.Optional(
    Type.String({
      ...IdempotencyKey,
      description:
        'Taken for clients that send one with each POST. The call is idempotent by `tenantId` without.',
    }),
  ),
});

export const NewTenantBody = Type.Object(
  { tenantId: AnyCaseUuid, name: TenantName },
  {
    additionalProperties: false,
    examples: [{ tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6', name: 'Example Ltd' }],
  },
);

export const NewTenantResponse = answer(
  'NewTenant',
  Type.Literal(newTenantMessage),
  Type.Object(
    {
      tenantId: Uuid,
      name: TenantName,
      createdAt: Timestamp,
      keyId: Type.Union([KeyId, Type.Null()], {
        description: 'The active key; null until a worker has made the first one.',
      }),
      rotationId: Type.Union([RotationId, Type.Null()], {
        description: 'The rotation under way, to poll: that which makes the first key, or a later one.',
      }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: newTenantMessage,
        data: {
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          name: 'Example Ltd',
          createdAt: '2025-07-10T14:36:00.000Z',
          keyId: null,
          rotationId: 'rot-7c9e6679-7425-40de-944b-e07fc1f90ae7',
        },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type NewTenantResponse = Static<typeof NewTenantResponse>;
