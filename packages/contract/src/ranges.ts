import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { RotationId, Uuid } from './ids.ts';

export const rangesMessage = 'DEK rotation ranges';

export const cellsMax = 500;
export const cellsDefault = 200;

export const RangesQuery = Type.Object(
  {
    cells: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: cellsMax,
        default: cellsDefault,
        title: `cells (an integer from 1 to ${cellsMax})`,
        description: 'How many at most; each target has one at least.',
      }),
    ),
  },
  { additionalProperties: false },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const RangesResponse = answer(
  'Ranges',
  Type.Literal(rangesMessage),
  Type.Object(
    {
      rotationId: RotationId,
      tenantId: Uuid,
      cells: Type.Array(
        Type.Object(
          {
            target: Type.String({ description: 'The registered name of the table.' }),
            ranges: Type.Object(
              {
                planned: count('Not begun.'),
                sweeping: count('Held by a worker.'),
                left: count('Begun, and held by nobody now.'),
                swept: count('To be proved.'),
                proved: count('Proved.'),
              },
              { additionalProperties: false, description: 'How many ranges are in which state.' },
            ),
            items: count(
              'Records on older keys when its ranges were cut; in full ranges, what was added under the new one since the switch counts too.',
            ),
            itemsRotated: count('Re-encrypted by the sweep.'),
            itemsFailed: count('Set aside.'),
            itemsProved: count('Of `items`, those in ranges that are proved.'),
            waitingFor: Type.Union([Type.String(), Type.Null()], {
              description: 'What holds up one of its ranges.',
            }),
          },
          { additionalProperties: false },
        ),
        {
          description:
            'By target and in the order of record ids; of neighbouring ranges, of about as many records.',
        },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: rangesMessage,
        data: {
          rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          cells: [
            {
              target: 'secrets',
              ranges: { planned: 0, sweeping: 1, left: 0, swept: 0, proved: 0 },
              items: 50,
              itemsRotated: 12,
              itemsFailed: 0,
              itemsProved: 0,
              waitingFor: null,
            },
          ],
        },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type RangesResponse = Static<typeof RangesResponse>;
