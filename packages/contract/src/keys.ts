import Type, { type Static, type TSchema } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, KeyId, Timestamp, Uuid } from './ids.ts';
import { itemTypes } from './items.ts';

export const keysMessage = 'Keys';
export const keyMessage = 'Key';
export const blastRadiusMessage = 'Blast radius of a key';

export const keysLimitMax = 200;
export const keysLimitDefault = 50;

/** NIST SP 800-38D, section 8.3: at most 2^32 seals under one key with random 96-bit IVs. */
export const sealsMax = 2 ** 32;
/** How many processes a blast radius names. */
export const keyProcessesMax = 200;

const orNull = <Schema extends TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description });
const Count = Type.Integer({ minimum: 0 });

export const KeyState = Type.Enum(['pre_active', 'active', 'deactivated', 'compromised', 'destroyed'], {
  title: 'state (pre_active, active, deactivated, compromised or destroyed)',
});

export const KeyParams = Type.Object({
  keyId: Type.String({ description: 'dek-<uuid>', examples: ['dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11'] }),
});

export const KeysQuery = Type.Object(
  {
    tenantId: Type.Optional(AnyCaseUuid),
    state: Type.Optional(KeyState),
    kekId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2048,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        title: 'id of a KEK',
        description: 'Those that are wrapped under it.',
      }),
    ),
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
        maximum: keysLimitMax,
        default: keysLimitDefault,
        title: `limit (an integer from 1 to ${keysLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

export const Key = Type.Object(
  {
    keyId: KeyId,
    tenantId: Uuid,
    keyNumber: Type.Integer({ minimum: 1, description: "Among the tenant's, and in its ciphertexts." }),
    state: KeyState,
    draining: Type.Boolean({ description: 'Out of use, and held by transactions that began before.' }),
    ageSeconds: Type.Integer({ minimum: 0, description: 'Since it was made.' }),
    createdAt: Timestamp,
    activatedAt: orNull(Timestamp, 'From when on it sealed.'),
    deactivatedAt: orNull(Timestamp, 'From when on nothing new was sealed under it.'),
    destroyedAt: orNull(Timestamp, 'From when on nobody can open anything with it.'),
    kekId: orNull(Type.String(), 'What it is wrapped under; null without material.'),
    wrapVersion: orNull(Type.Integer({ minimum: 1 }), 'How often it was wrapped.'),
    wrappedAt: orNull(Timestamp, 'When last.'),
    records: orNull(Count, 'How many stand under it, counted now; null in a list over all tenants.'),
    share: orNull(Type.Number({ minimum: 0, maximum: 1 }), "Of the tenant's records."),
    seals: Type.Integer({ minimum: 0, description: 'Reserved by vaults and made by rotations.' }),
    sealsMax: Type.Literal(sealsMax),
    lastUsedAt: orNull(Timestamp, 'As workers and vaults report it.'),
    processes: Type.Integer({
      minimum: 0,
      description:
        'Workers and vaults that have used it and are `live` in the list of processes: one that was killed counts until it is silent.',
    }),
    destructionDueAt: orNull(
      Timestamp,
      'When its grace period is over, where somebody asked for its destruction.',
    ),
  },
  { additionalProperties: false },
);
export type Key = Static<typeof Key>;

const exampleKey = {
  keyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  keyNumber: 1,
  state: 'deactivated',
  draining: false,
  ageSeconds: 2_592_000,
  createdAt: '2025-06-10T14:35:00.000Z',
  activatedAt: '2025-06-10T14:35:00.000Z',
  deactivatedAt: '2025-07-10T14:35:00.000Z',
  destroyedAt: null,
  kekId: 'local:1f2e3d4c5b6a7988',
  wrapVersion: 1,
  wrappedAt: '2025-06-10T14:35:00.000Z',
  records: 0,
  share: 0,
  seals: 4096,
  sealsMax,
  lastUsedAt: '2025-07-10T14:35:09.000Z',
  processes: 0,
  destructionDueAt: null,
};

export const KeyResponse = answer('Key', Type.Literal(keyMessage), Key, {
  examples: [{ success: true, message: keyMessage, data: exampleKey, timestamp: '2025-07-10T14:36:00.000Z' }],
});
export type KeyResponse = Static<typeof KeyResponse>;

export const KeysResponse = answer(
  'Keys',
  Type.Literal(keysMessage),
  Type.Object(
    {
      keys: Type.Array(Key, { maxItems: keysLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: keysMessage,
        data: { keys: [exampleKey], nextCursor: null },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type KeysResponse = Static<typeof KeysResponse>;

export const BlastRadiusResponse = answer(
  'BlastRadius',
  Type.Literal(blastRadiusMessage),
  Type.Object(
    {
      keyId: KeyId,
      tenantId: Uuid,
      state: KeyState,
      records: Count,
      targets: Type.Array(
        Type.Object(
          { target: Type.String(), itemType: Type.Enum(itemTypes), records: Count },
          { additionalProperties: false },
        ),
        { description: 'Where its records stand, counted now.' },
      ),
      seals: Type.Integer({ minimum: 0, description: 'What was ever sealed under it, at most.' }),
      activatedAt: orNull(Timestamp, 'The span in which records were sealed under it began,'),
      deactivatedAt: orNull(Timestamp, 'and ended.'),
      lastUsedAt: orNull(Timestamp, 'As workers and vaults report it.'),
      processes: Type.Array(
        Type.Object(
          {
            processId: Uuid,
            kind: Type.Enum(['worker', 'vault']),
            state: Type.Enum(['live', 'silent', 'ended']),
            host: Type.String(),
            databaseRole: Type.String(),
            usedSince: Timestamp,
            lastUsedAt: Timestamp,
          },
          { additionalProperties: false },
        ),
        {
          maxItems: keyProcessesMax,
          description: 'Who has used it, the latest first; not those forgotten since.',
        },
      ),
      backups: Type.Object(
        { state: Type.Literal('unknown'), detail: Type.String() },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: blastRadiusMessage,
        data: {
          keyId: exampleKey.keyId,
          tenantId: exampleKey.tenantId,
          state: 'deactivated',
          records: 0,
          targets: [],
          seals: 4096,
          activatedAt: exampleKey.activatedAt,
          deactivatedAt: exampleKey.deactivatedAt,
          lastUsedAt: exampleKey.lastUsedAt,
          processes: [],
          backups: { state: 'unknown', detail: 'Nothing here sees into backups.' },
        },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type BlastRadiusResponse = Static<typeof BlastRadiusResponse>;
