import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, KeyId, RotationId, Timestamp, Uuid } from './ids.ts';

export const tenantsMessage = 'Tenants';
export const tenantsLimitMax = 200;
export const tenantsLimitDefault = 50;

export const policyLevels = ['fresh', 'due', 'overdue', 'orphaned'] as const;

/** How an active DEK stands by its policy. */
export const PolicyLevel = Type.Enum([...policyLevels], {
  title: policyLevels.join(', '),
  description:
    '`due`: its time has come. `overdue`: the interval has passed, or the seals are spent. `orphaned`: tries fail, or records are left on an older DEK: a person must act.',
});

/** How old the wrapping of a tenant's DEKs is by its policy. */
const WrappingLevel = Type.Enum([...policyLevels], {
  title: policyLevels.join(', '),
  description:
    '`due`: it will be made anew. `overdue`: `rewrapEveryDays` has passed. `orphaned`: five tries have failed: a person must act.',
});

export const TenantsQuery = Type.Object(
  {
    tenantId: Type.Optional(AnyCaseUuid),
    level: Type.Optional(PolicyLevel),
    wrapping: Type.Optional(WrappingLevel),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        maxLength: 36,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: tenantsLimitMax,
        default: tenantsLimitDefault,
        title: `limit (an integer from 1 to ${tenantsLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description });

export const Tenant = Type.Object(
  {
    tenantId: Uuid,
    name: Type.String(),
    createdAt: Timestamp,
    activeKey: nullable(
      Type.Object(
        { keyId: KeyId, keyNumber: Type.Integer({ minimum: 1 }), activatedAt: Timestamp },
        { additionalProperties: false },
      ),
      'Null: it has none yet.',
    ),
    level: nullable(PolicyLevel, 'Null: no policy says when, or nobody has looked since the DEK is active.'),
    dueAt: nullable(Timestamp, 'By the age of the DEK; null: its policy says nothing of age.'),
    overdueAt: nullable(Timestamp, 'When the interval has passed.'),
    tries: nullable(
      Type.Integer({ minimum: 0 }),
      'Of policies, to replace this DEK, which ended without a switch.',
    ),
    wrapping: nullable(
      Type.Object(
        {
          level: WrappingLevel,
          overdueAt: Timestamp,
          tries: Type.Integer({ minimum: 0, description: 'That ended otherwise than completed.' }),
        },
        { additionalProperties: false },
      ),
      'Of the DEK that was wrapped the longest ago. Null: no policy says how old it gets, or nobody has looked yet.',
    ),
    rotationId: nullable(RotationId, 'Its unfinished rotation.'),
  },
  { additionalProperties: false },
);
export type Tenant = Static<typeof Tenant>;

const timestamp = '2025-07-10T14:35:02.000Z';

export const TenantsResponse = answer(
  'Tenants',
  Type.Literal(tenantsMessage),
  Type.Object(
    {
      tenants: Type.Array(Tenant, { maxItems: tenantsLimitMax }),
      seenAt: nullable(
        Timestamp,
        'When a worker last looked how they stand by their policies: every ten seconds. Null: none has, or there are no tenants here.',
      ),
      nextCursor: nullable(Type.String(), 'Null on the last page.'),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: tenantsMessage,
        data: {
          tenants: [
            {
              tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
              name: 'Example GmbH',
              createdAt: '2024-01-10T09:00:00.000Z',
              activeKey: {
                keyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
                keyNumber: 3,
                activatedAt: '2025-04-09T09:00:00.000Z',
              },
              level: 'overdue',
              dueAt: '2025-07-02T21:17:40.000Z',
              overdueAt: '2025-07-08T09:00:00.000Z',
              tries: 0,
              wrapping: { level: 'fresh', overdueAt: '2026-04-09T09:00:00.000Z', tries: 0 },
              rotationId: null,
            },
          ],
          seenAt: '2025-07-10T14:34:57.000Z',
          nextCursor: null,
        },
        timestamp,
      },
    ],
  },
);
export type TenantsResponse = Static<typeof TenantsResponse>;
