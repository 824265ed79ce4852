import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { KeyId, Timestamp, Uuid } from './ids.ts';
import { KeyState } from './keys.ts';

export const destructionMessage = 'Destruction of a key';
export const scheduleMessage = 'Destruction scheduled';
export const cancelDestructionMessage = 'Destruction cancelled';
export const approveMessage = 'Destruction approved';

const TimeOrNull = Type.Union([Timestamp, Type.Null()]);
const Realm = Type.Union([Type.String(), Type.Null()], {
  description: 'Null: at the database, `subject` is the role there.',
});

const Condition = Type.Object(
  {
    name: Type.Enum(['out_of_use', 'drained', 'no_records', 'unused', 'backups', 'grace', 'approvals']),
    state: Type.Enum(['met', 'unmet', 'unknown'], { description: '`unknown` refuses as `unmet` does.' }),
    evidence: Type.Object(
      {},
      { additionalProperties: true, description: 'What the state rests on; by name.' },
    ),
  },
  { additionalProperties: false },
);

export const DestructionResponse = answer(
  'Destruction',
  Type.Enum([destructionMessage, scheduleMessage, cancelDestructionMessage, approveMessage]),
  Type.Object(
    {
      keyId: KeyId,
      tenantId: Uuid,
      state: KeyState,
      safeToDestroy: Type.Boolean({ description: 'Every condition is met.' }),
      conditions: Type.Array(Condition, { description: 'None of one that is destroyed.' }),
      request: Type.Union(
        [
          Type.Object(
            {
              requestId: Uuid,
              realm: Realm,
              subject: Type.String(),
              reason: Type.Union([Type.String(), Type.Null()]),
              requestedAt: Timestamp,
              dueAt: Timestamp,
            },
            { additionalProperties: false },
          ),
          Type.Null(),
        ],
        { description: 'Null: nobody has asked for it.' },
      ),
      approvals: Type.Array(
        Type.Object(
          { realm: Realm, subject: Type.String(), approvedAt: Timestamp },
          { additionalProperties: false },
        ),
        { description: 'Also those that count no more; the condition `approvals` says how many do.' },
      ),
      destroyedAt: TimeOrNull,
      materialDeleted: Type.Boolean(),
      materialVacuumedAt: Type.Union([Timestamp, Type.Null()], {
        description: 'When its table was last vacuumed, where that was after the destruction.',
      }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: destructionMessage,
        data: {
          keyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          state: 'deactivated',
          safeToDestroy: false,
          conditions: [{ name: 'drained', state: 'met', evidence: { openLocks: 0 } }],
          request: null,
          approvals: [],
          destroyedAt: null,
          materialDeleted: false,
          materialVacuumedAt: null,
        },
        timestamp: '2025-07-10T14:36:00.000Z',
      },
    ],
  },
);
export type DestructionResponse = Static<typeof DestructionResponse>;
