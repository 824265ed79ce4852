import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseRotationId, AnyCaseUuid } from './ids.ts';
import { Rotation, RotationPhase, RotationStatus } from './rotation.ts';

export const rotationsMessage = 'DEK rotations';

export const rotationsLimitMax = 200;
export const rotationsLimitDefault = 50;

/** A time that a list is narrowed by. */
export const Moment = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,3})?Z$',
  title: 'time (ISO 8601, UTC)',
  examples: ['2025-07-10T14:35:00.000Z'],
});

export const RotationsQuery = Type.Object(
  {
    tenantId: Type.Optional(AnyCaseUuid),
    status: Type.Optional(RotationStatus),
    phase: Type.Optional(RotationPhase),
    startedAfter: Type.Optional(Moment),
    startedBefore: Type.Optional(Moment),
    initiatedBy: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        title: 'subject',
        description: 'The `sub` of who started them.',
      }),
    ),
    retryOf: Type.Optional(AnyCaseRotationId),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]+$',
        maxLength: 200,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: rotationsLimitMax,
        default: rotationsLimitDefault,
        title: `limit (an integer from 1 to ${rotationsLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

export const RotationsResponse = answer(
  'Rotations',
  Type.Literal(rotationsMessage),
  Type.Object(
    {
      rotations: Type.Array(Rotation, { maxItems: rotationsLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: rotationsMessage,
        data: { rotations: [], nextCursor: null },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type RotationsResponse = Static<typeof RotationsResponse>;
