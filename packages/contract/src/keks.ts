import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';

export const keksMessage = 'Key encryption keys';

export const KekName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  maxLength: 63,
  title: 'name of a registered KEK',
  description: 'As the configuration of workers names it; never a URI.',
  examples: ['aws-frankfurt'],
});

const Count = Type.Integer({ minimum: 0 });

export const KeyCounts = Type.Object(
  { preActive: Count, active: Count, deactivated: Count, compromised: Count },
  { additionalProperties: false, description: 'DEKs, by their states.' },
);

export const KeksQuery = Type.Object(
  { tenantId: Type.Optional(AnyCaseUuid) },
  { additionalProperties: false },
);

const Kek = Type.Object(
  {
    name: Type.Union([Type.String(), Type.Null()], {
      description: 'Null: no configuration names it, and so nothing can be brought under it.',
    }),
    kekId: Type.String({ description: 'Which KEK it is, wherever it is by now.' }),
    provider: Type.String({ description: 'As `local` or `aws-kms`.' }),
    registeredAt: Type.Union([Timestamp, Type.Null()]),
    keys: KeyCounts,
    workers: Type.Integer({
      minimum: 0,
      description: 'Live workers that have wrapped and unwrapped with it.',
    }),
    vaults: Type.Integer({ minimum: 0, description: 'Live vaults that have.' }),
    processes: Type.Array(
      Type.Object(
        {
          processId: Uuid,
          kind: Type.Enum(['worker', 'vault']),
          host: Type.String(),
          provedAt: Timestamp,
        },
        { additionalProperties: false },
      ),
      { description: 'Those processes; empty for who is bound to a tenant.' },
    ),
  },
  { additionalProperties: false },
);

export const KeksResponse = answer(
  'Keks',
  Type.Literal(keksMessage),
  Type.Object({ keks: Type.Array(Kek) }, { additionalProperties: false }),
  {
    examples: [
      {
        success: true,
        message: keksMessage,
        data: { keks: [] },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type KeksResponse = Static<typeof KeksResponse>;
