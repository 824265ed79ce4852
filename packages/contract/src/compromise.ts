import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { KeyId, Uuid } from './ids.ts';
import { itemTypes } from './items.ts';
import { KekName } from './keks.ts';
import { KeyState } from './keys.ts';
import { Reason } from './reason.ts';
import { StartedRotation } from './rotate.ts';

export const compromiseMessage = 'Key declared compromised';

export const CompromiseBody = Type.Object(
  { reason: Type.Optional(Reason), kek: Type.Optional(KekName) },
  { additionalProperties: false },
);

const Count = Type.Integer({ minimum: 0 });

export const CompromiseResponse = answer(
  'CompromisedKey',
  Type.Literal(compromiseMessage),
  Type.Object(
    {
      keyId: KeyId,
      tenantId: Uuid,
      // `active` until the switch of the rotation, `compromised` from then on.
      state: KeyState,
      rotation: Type.Union([StartedRotation, Type.Null()], {
        description: 'What replaces an active key; null for one that was out of use.',
      }),
      records: Type.Union([Count, Type.Null()], {
        description: 'What still stands under one that was out of use, counted for this call; else null.',
      }),
      targets: Type.Array(
        Type.Object(
          { target: Type.String(), itemType: Type.Enum(itemTypes), records: Count },
          { additionalProperties: false },
        ),
        { description: 'Where those stand.' },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: compromiseMessage,
        data: {
          keyId: 'dek-7b1f3c52-8f0e-4c58-9d0a-2f6f5a1f0c3d',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          state: 'compromised',
          rotation: null,
          records: 0,
          targets: [],
        },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type CompromiseResponse = Static<typeof CompromiseResponse>;
