import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { RotationId, Timestamp, Uuid } from './ids.ts';
import { itemTypes } from './items.ts';

export const failuresMessage = 'Records set aside by this rotation';

export const failuresLimitMax = 500;
export const failuresLimitDefault = 100;

export const FailuresQuery = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]+$',
        // Holds a record's id, which for a text column may be as long as an index of Postgres takes.
        maxLength: 8192,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: failuresLimitMax,
        default: failuresLimitDefault,
        title: `limit (an integer from 1 to ${failuresLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

/** Why a record was left as it is. The database holds the same list. */
export const setAsideReasons = [
  'MALFORMED',
  'KEY_UNKNOWN',
  'KEY_UNUSABLE',
  'AUTHENTICATION_FAILED',
  'TOO_LARGE',
  'UNREADABLE',
  'REFUSED_BY_CONSTRAINT',
  'REFUSED_BY_TRIGGER',
] as const;

/** One record that was set aside: which, and why; never what is in it. */
export const Failure = Type.Object(
  {
    itemType: Type.Enum(itemTypes),
    target: Type.String({ description: 'The registered name of the table.' }),
    recordId: Type.String(),
    reason: Type.Enum(setAsideReasons),
    at: Timestamp,
  },
  { additionalProperties: false },
);

export const FailuresResponse = answer(
  'Failures',
  Type.Literal(failuresMessage),
  Type.Object(
    {
      rotationId: RotationId,
      tenantId: Uuid,
      failures: Type.Array(Failure, { maxItems: failuresLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: failuresMessage,
        data: {
          rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          failures: [
            {
              itemType: 'secrets',
              target: 'secrets',
              recordId: '9b2f7f3e-3c9e-4d53-8a58-0d1a4b5ad7d2',
              reason: 'AUTHENTICATION_FAILED',
              at: '2025-07-10T14:35:03.000Z',
            },
          ],
          nextCursor: null,
        },
        timestamp: '2025-07-10T14:35:10.000Z',
      },
    ],
  },
);
export type FailuresResponse = Static<typeof FailuresResponse>;

/** For queries that know no parameter. */
export const NoQuery = Type.Object({}, { additionalProperties: false });
