import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';
import { Moment } from './rotations.ts';

export const auditMessage = 'Audit events';

export const auditLimitMax = 500;
export const auditLimitDefault = 50;

/** What list and export are narrowed by. */
const filters = {
  tenantId: Type.Optional(AnyCaseUuid),
  kind: Type.Optional(
    Type.String({
      pattern: '^[a-z]+\\.[a-z_]{1,60}$',
      maxLength: 80,
      title: 'kind of event',
      description: 'As in `rotation.requested`.',
    }),
  ),
  actor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      title: 'subject',
      description: 'The id of who acted: a `sub`, a worker, a user of the database.',
    }),
  ),
  rotationId: Type.Optional(
    Type.String({
      pattern: '^rot-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
      title: 'rotation id',
    }),
  ),
  recordedAfter: Type.Optional(Moment),
  recordedBefore: Type.Optional(Moment),
};

export const AuditQuery = Type.Object(
  {
    ...filters,
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
        maximum: auditLimitMax,
        default: auditLimitDefault,
        title: `limit (an integer from 1 to ${auditLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

export const AuditExportQuery = Type.Object(
  {
    ...filters,
    checkpoint: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 999_999_999,
        title: 'size of a checkpoint',
        description: 'What proofs lead to; the latest when absent.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const checkpointsMessage = 'Audit checkpoints';

export const CheckpointsQuery = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 999_999_999,
        title: 'size',
        description: 'Of the last one of the page before.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: auditLimitMax,
        default: auditLimitDefault,
        title: `limit (an integer from 1 to ${auditLimitMax})`,
      }),
    ),
  },
  { additionalProperties: false },
);

export const CheckpointsResponse = answer(
  'Checkpoints',
  Type.Literal(checkpointsMessage),
  Type.Object(
    {
      checkpoints: Type.Array(
        Type.Object(
          {
            size: Type.Integer({ minimum: 1, description: 'How many leaves of the log it covers.' }),
            madeAt: Timestamp,
            note: Type.String({ description: 'A tlog-checkpoint of C2SP: the file to keep elsewhere.' }),
          },
          { additionalProperties: false },
        ),
        { maxItems: auditLimitMax },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: checkpointsMessage,
        data: { checkpoints: [] },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type CheckpointsResponse = Static<typeof CheckpointsResponse>;

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 in hex.' });

const AuditRecord = Type.Object(
  {
    event: Type.Object(
      {
        actor: Type.Object(
          {
            kind: Type.String({ description: '`user`, `policy`, `campaign`, `worker` or `operator`.' }),
            realm: Type.Union([Type.String(), Type.Null()]),
            id: Type.String(),
            nameHash: Type.Union([Hash, Type.Null()], {
              description: 'Salted, of the name; the name stands in no event.',
            }),
          },
          { additionalProperties: false },
        ),
        at: Type.String({ description: 'ISO 8601, UTC, with microseconds.' }),
        chain: Type.String({
          pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
          description: "The tenant's id; of what touches no tenant, the installation's.",
        }),
        databaseRole: Type.String({ description: 'Whom Postgres knew, unlike the actor.' }),
        kind: Type.String(),
        payload: Type.Object({}, { additionalProperties: true, description: 'By kind and version.' }),
        previous: Hash,
        rotationId: Type.Union([Uuid, Type.Null()], { description: 'Without `rot-`, as it is hashed.' }),
        sequence: Type.Integer({ minimum: 1, description: 'Without gaps within its chain.' }),
        version: Type.Integer({ minimum: 1 }),
      },
      { additionalProperties: false, description: 'What the hash covers, and nothing besides.' },
    ),
    hash: Hash,
  },
  { additionalProperties: false },
);

export const AuditResponse = answer(
  'Audit',
  Type.Literal(auditMessage),
  Type.Object(
    {
      events: Type.Array(AuditRecord, { maxItems: auditLimitMax }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: auditMessage,
        data: { events: [], nextCursor: null },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type AuditResponse = Static<typeof AuditResponse>;
