import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';
import { KekName } from './keks.ts';
import { Reason } from './reason.ts';

export const tenantKekMessages = { choose: 'KEK chosen', get: 'KEK of the tenant' } as const;

export const TenantParams = Type.Object({ tenantId: AnyCaseUuid }, { additionalProperties: false });

/** No character in it means anything in a URI. */
const Word = (title: string) =>
  Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$', maxLength: 63, title }));

export const TenantKekBody = Type.Object(
  {
    kek: Type.Union([KekName, Type.Null()], {
      description: 'A registered KEK or a template; null: the KEK of the installation.',
    }),
    region: Word('free word of a template'),
    location: Word('free word of a template'),
    ring: Word('free word of a template'),
    namespace: Word('free word of a template'),
    key: Word('free word of a template'),
    reason: Type.Optional(Reason),
  },
  {
    additionalProperties: false,
    examples: [{ kek: 'customers-aws', region: 'eu-central-1', key: '12345678-1234-1234-1234-123456789012' }],
  },
);
export type TenantKekBody = Static<typeof TenantKekBody>;

const NullableTime = Type.Union([Timestamp, Type.Null()]);

export const TenantKekResponse = answer(
  'TenantKek',
  Type.Enum(Object.values(tenantKekMessages)),
  Type.Object(
    {
      tenantId: Uuid,
      status: Type.Enum(['pending', 'active', 'refused'], {
        description:
          '`pending` until a worker has wrapped and unwrapped with it; `refused`: no attempt mends it, choose again.',
      }),
      kek: Type.Union([Type.String(), Type.Null()], {
        description: 'As it was chosen; null: the KEK of the installation.',
      }),
      parts: Type.Record(Type.String(), Type.String(), {
        description: 'The free words, as they were filled in.',
      }),
      trouble: Type.Union([Type.String(), Type.Null()], {
        description: 'What the last attempt met: a code of a KMS, or `KEK_TAKEN`.',
      }),
      requestedAt: NullableTime,
      triedAt: NullableTime,
      inUse: Type.Union(
        [
          Type.Object(
            { kek: Type.String(), kekId: Type.String(), since: Timestamp },
            { additionalProperties: false },
          ),
          Type.Null(),
        ],
        { description: 'What the next DEK is wrapped under; null: the KEK of the installation.' },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: tenantKekMessages.choose,
        data: {
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          status: 'pending',
          kek: 'customers-aws',
          parts: { region: 'eu-central-1', key: '12345678-1234-1234-1234-123456789012' },
          trouble: null,
          requestedAt: '2025-07-10T14:36:00.000Z',
          triedAt: null,
          inUse: null,
        },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type TenantKekResponse = Static<typeof TenantKekResponse>;
