import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { Uuid } from './ids.ts';
import { KekName, KeyCounts } from './keks.ts';
import { rewrapMessages, rewrapScope } from './rewraps.ts';

const Count = Type.Integer({ minimum: 0 });

export const RewrapPlanBody = Type.Object(
  { ...rewrapScope, kek: KekName },
  { additionalProperties: false, examples: [{ all: true, kek: 'aws-frankfurt' }] },
);

export const RewrapPlanResponse = answer(
  'RewrapPlan',
  Type.Literal(rewrapMessages.plan),
  Type.Object(
    {
      tenantId: Type.Union([Uuid, Type.Null()]),
      kek: Type.String(),
      kekId: Type.String(),
      census: Type.Array(
        Type.Object({ kekId: Type.String(), keys: KeyCounts }, { additionalProperties: false }),
        { description: 'DEKs under each KEK.' },
      ),
      keysToRewrap: Count,
      kmsCalls: Type.Integer({ minimum: 0, description: 'That it will take, three for each DEK.' }),
      fingerprint: Type.String({
        pattern: '^[0-9a-f]{64}$',
        description:
          'Over all of these DEKs; the same behind the rewrap, unless DEKs came or were destroyed.',
      }),
      lacking: Type.Array(
        Type.Object(
          {
            processId: Uuid,
            kind: Type.Enum(['worker', 'vault']),
            host: Type.String(),
            databaseRole: Type.String(),
          },
          { additionalProperties: false },
        ),
        {
          description:
            'Live processes that have not proved that KEK: a rewrap is refused while there are any.',
        },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: rewrapMessages.plan,
        data: {
          tenantId: null,
          kek: 'aws-frankfurt',
          kekId: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012',
          census: [],
          keysToRewrap: 0,
          kmsCalls: 0,
          fingerprint: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
          lacking: [],
        },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type RewrapPlanResponse = Static<typeof RewrapPlanResponse>;
