import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';
import { KekName } from './keks.ts';
import { Initiator } from './rotate.ts';
import { RetryHeaders, SteeringBody } from './rotation.ts';

export const rewrapMessages = {
  plan: 'KEK rewrap planned',
  start: 'KEK rewrap initiated successfully',
  get: 'KEK rewrap status',
  list: 'KEK rewraps',
  pause: 'KEK rewrap paused',
  resume: 'KEK rewrap resumed',
  cancel: 'KEK rewrap cancelled',
} as const;

export const rewrapsLimitMax = 200;
export const rewrapsLimitDefault = 50;
export const callsPerSecondDefault = 100;
export const callsPerSecondMax = 10_000;

const hex = '[0-9a-fA-F]';
const anyCase = `${hex}{8}(-${hex}{4}){3}-${hex}{12}`;
const rewrapId = new RegExp(`^rewrap-(${anyCase})$`);

export const RewrapId = Type.String({
  pattern: `^rewrap-${anyCase.replaceAll('a-fA-F', 'a-f')}$`,
  examples: ['rewrap-550e8400-e29b-41d4-a716-446655440002'],
});

/** The UUID behind `rewrap-`, in lower case, or null when `text` is no id of a rewrap. */
export function parseRewrapId(text: string): string | null {
  return rewrapId.exec(text)?.[1]?.toLowerCase() ?? null;
}

export function formatRewrapId(id: string): string {
  return `rewrap-${id.toLowerCase()}`;
}

export const RewrapParams = Type.Object({
  rewrapId: Type.String({
    description: 'rewrap-<uuid>',
    examples: ['rewrap-550e8400-e29b-41d4-a716-446655440002'],
  }),
});

export const RewrapHeaders = RetryHeaders;

/** Whose DEKs: exactly one of both is given. */
export const rewrapScope = {
  tenantId: Type.Optional(AnyCaseUuid),
  all: Type.Optional(
    Type.Literal(true, {
      title: 'true',
      description: "All tenants' DEKs: only at `*`, or as `super_admin`.",
    }),
  ),
};

export const RewrapBody = Type.Object(
  {
    ...rewrapScope,
    kek: KekName,
    callsPerSecondMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: callsPerSecondMax,
        default: callsPerSecondDefault,
        title: `callsPerSecondMax (an integer from 1 to ${callsPerSecondMax})`,
        description: 'Calls of KMSs; a DEK takes three.',
      }),
    ),
    force: Type.Optional(
      Type.Boolean({
        title: 'true or false',
        description:
          'Whatever processes have not proved that KEK: they cannot use what is brought under it. Only as `super_admin`, and with a reason.',
      }),
    ),
    ...SteeringBody.properties,
  },
  { additionalProperties: false, examples: [{ all: true, kek: 'aws-frankfurt', reason: 'yearly' }] },
);

const Count = Type.Integer({ minimum: 0 });
const Fingerprint = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const Rewrap = Type.Object(
  {
    rewrapId: RewrapId,
    tenantId: Type.Union([Uuid, Type.Null()], { description: 'Null: all tenants.' }),
    kek: Type.String(),
    kekId: Type.String(),
    status: Type.Enum(['in_progress', 'paused', 'completed', 'completed_with_failures', 'cancelled'], {
      description:
        '`completed`: every DEK is under that KEK. With failures: but for those that their KEK did not unwrap.',
    }),
    keysTotal: Type.Integer({ minimum: 0, description: 'DEKs; those that came meanwhile among them.' }),
    keysRewrapped: Count,
    keysSetAside: Count,
    keysRemaining: Count,
    percentComplete: Type.Number({ minimum: 0, maximum: 100 }),
    recordsReencrypted: Type.Literal(0, { description: 'A rewrap touches no record.' }),
    kmsCalls: Type.Integer({ minimum: 0, description: 'So far, but for those of a worker that was killed.' }),
    callsPerSecondMax: Type.Integer({ minimum: 1 }),
    forced: Type.Boolean(),
    waitingFor: Type.Union([Type.Enum(['kms', 'kek_suspended', 'worker']), Type.Null()]),
    waitingDetail: Type.Union([
      Type.Object(
        { what: Type.String(), since: Type.Union([Type.String(), Type.Null()]), todo: Type.String() },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    startedAt: Timestamp,
    completedAt: Type.Union([Timestamp, Type.Null()]),
    initiatedBy: Initiator,
    fingerprintBefore: Type.Union([Fingerprint, Type.Null()], {
      description:
        'Over the DEKs that were rewrapped: id, tenant, number and the identity of the bytes of each, before its rewrap.',
    }),
    fingerprintAfter: Type.Union([Fingerprint, Type.Null()], {
      description: 'The same, read when all were done. The database completes no rewrap whose two differ.',
    }),
  },
  { additionalProperties: false },
);
export type Rewrap = Static<typeof Rewrap>;

const example: Rewrap = {
  rewrapId: 'rewrap-550e8400-e29b-41d4-a716-446655440002',
  tenantId: null,
  kek: 'aws-frankfurt',
  kekId: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012',
  status: 'in_progress',
  keysTotal: 200,
  keysRewrapped: 50,
  keysSetAside: 0,
  keysRemaining: 150,
  percentComplete: 25,
  recordsReencrypted: 0,
  kmsCalls: 150,
  callsPerSecondMax: 100,
  forced: false,
  waitingFor: null,
  waitingDetail: null,
  startedAt: '2025-07-10T14:35:00.000Z',
  completedAt: null,
  initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
  fingerprintBefore: null,
  fingerprintAfter: null,
};

export const RewrapResponse = answer(
  'Rewrap',
  Type.Enum([
    rewrapMessages.start,
    rewrapMessages.get,
    rewrapMessages.pause,
    rewrapMessages.resume,
    rewrapMessages.cancel,
  ]),
  Rewrap,
  {
    examples: [
      { success: true, message: rewrapMessages.get, data: example, timestamp: '2025-07-10T14:35:02.000Z' },
    ],
  },
);
export type RewrapResponse = Static<typeof RewrapResponse>;

export const RewrapsQuery = Type.Object(
  {
    tenantId: Type.Optional(AnyCaseUuid),
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
        maximum: rewrapsLimitMax,
        default: rewrapsLimitDefault,
        title: `limit (an integer from 1 to ${rewrapsLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

export const RewrapsResponse = answer(
  'Rewraps',
  Type.Literal(rewrapMessages.list),
  Type.Object(
    {
      rewraps: Type.Array(Rewrap, { maxItems: rewrapsLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: rewrapMessages.list,
        data: { rewraps: [example], nextCursor: null },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type RewrapsResponse = Static<typeof RewrapsResponse>;
