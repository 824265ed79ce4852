import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { RotationId, Timestamp, Uuid } from './ids.ts';
import { WaitingFor } from './rotation.ts';

export const samplesMessage = 'DEK rotation samples';

/** So many are kept of a rotation. */
export const samplesMax = 360;

export const SamplesResponse = answer(
  'Samples',
  Type.Literal(samplesMessage),
  Type.Object(
    {
      rotationId: RotationId,
      tenantId: Uuid,
      samples: Type.Array(
        Type.Object(
          {
            at: Timestamp,
            itemsDone: Type.Integer({ minimum: 0, description: 'Re-encrypted or set aside until then.' }),
            itemsPerSecond: Type.Number({ minimum: 0, description: 'Over the ten seconds before.' }),
            waitingFor: Type.Union([WaitingFor, Type.Null()]),
          },
          { additionalProperties: false },
        ),
        {
          maxItems: samplesMax,
          description: 'In order. None while it is paused, and none of one that took less than a second.',
        },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: samplesMessage,
        data: {
          rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          samples: [{ at: '2025-07-10T14:35:01.000Z', itemsDone: 16, itemsPerSecond: 40, waitingFor: null }],
        },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type SamplesResponse = Static<typeof SamplesResponse>;
