import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { Timestamp, Uuid } from './ids.ts';
import { KekName } from './keks.ts';
import { Reason } from './reason.ts';
import { callsPerSecondDefault, callsPerSecondMax, formatRewrapId, RewrapId } from './rewraps.ts';
import { Initiator } from './rotate.ts';

export const kekCompromiseMessages = {
  start: 'KEK declared compromised',
  get: 'Compromised KEK',
} as const;

export const KekParams = Type.Object({
  kek: Type.String({
    description: 'A KEK by its name in the configuration of workers.',
    examples: ['aws-frankfurt'],
  }),
});

export const CompromiseKekBody = Type.Object(
  {
    kek: KekName,
    reason: Reason,
    callsPerSecondMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: callsPerSecondMax,
        default: callsPerSecondDefault,
        title: `callsPerSecondMax (an integer from 1 to ${callsPerSecondMax})`,
        description: 'Calls of KMSs by the rewrap; a DEK takes three.',
      }),
    ),
    force: Type.Optional(
      Type.Boolean({
        title: 'true or false',
        description:
          'Whatever processes have not proved the other KEK: they cannot use what comes under it, by the rewrap and by the rotations.',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ kek: 'aws-dublin', reason: 'the key was found elsewhere' }],
  },
);

const Count = Type.Integer({ minimum: 0 });

const KekCompromise = Type.Object(
  {
    compromiseId: Uuid,
    kek: Type.String(),
    kekId: Type.String(),
    replacedBy: Type.String(),
    replacedById: Type.String(),
    status: Type.Enum(['in_progress', 'completed', 'completed_with_failures'], {
      description:
        '`completed`: no DEK is under that KEK, and each that is or was under it is compromised or destroyed, with every ' +
        'record re-encrypted. With failures: but for `keysFailed`.',
    }),
    phase: Type.Union([Type.Enum(['rewrapping', 'rotating']), Type.Null()], {
      description: 'Null once it has ended.',
    }),
    keysTotal: Type.Integer({
      minimum: 0,
      description:
        'DEKs that are under it, or were: those that an earlier rewrap took away from it among them.',
    }),
    keysUnder: Type.Integer({ minimum: 0, description: 'Still under it.' }),
    keysInUse: Type.Integer({ minimum: 0, description: 'Not compromised yet.' }),
    keysCompromised: Count,
    keysDestroyed: Count,
    keysFailed: Type.Integer({
      minimum: 0,
      description:
        'Their KEK did not unwrap them, or the rotation that was to replace them did not complete.',
    }),
    rotationsUnderWay: Count,
    rewrapId: Type.Union([RewrapId, Type.Null()], { description: 'The latest of its rewraps.' }),
    forced: Type.Boolean(),
    reason: Type.String(),
    initiatedBy: Initiator,
    startedAt: Timestamp,
    completedAt: Type.Union([Timestamp, Type.Null()]),
  },
  { additionalProperties: false },
);
export type KekCompromise = Static<typeof KekCompromise>;

const example: KekCompromise = {
  compromiseId: '550e8400-e29b-41d4-a716-446655440003',
  kek: 'aws-frankfurt',
  kekId: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012',
  replacedBy: 'aws-dublin',
  replacedById: 'aws-kms:arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789013',
  status: 'in_progress',
  phase: 'rotating',
  keysTotal: 200,
  keysUnder: 0,
  keysInUse: 50,
  keysCompromised: 150,
  keysDestroyed: 0,
  keysFailed: 0,
  rotationsUnderWay: 3,
  rewrapId: formatRewrapId('550e8400-e29b-41d4-a716-446655440002'),
  forced: false,
  reason: 'the key was found elsewhere',
  initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
  startedAt: '2025-07-10T14:35:00.000Z',
  completedAt: null,
};

export const KekCompromiseResponse = answer(
  'KekCompromise',
  Type.Enum([kekCompromiseMessages.start, kekCompromiseMessages.get]),
  KekCompromise,
  {
    examples: [
      {
        success: true,
        message: kekCompromiseMessages.get,
        data: example,
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type KekCompromiseResponse = Static<typeof KekCompromiseResponse>;
