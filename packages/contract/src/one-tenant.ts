import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { KeyId, RotationId, Timestamp, Uuid } from './ids.ts';
import { KeyStanding, Wrapping, wrappingExample } from './key-standing.ts';
import { EffectivePolicy, effectiveExample } from './policies.ts';
import { RotationPhase, RotationStatus } from './rotation.ts';

export const tenantMessage = 'Tenant';

const Count = Type.Integer({ minimum: 0 });
const closed = { additionalProperties: false } as const;
const orNull = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description });

/** By whose word a field of a policy holds. */
const Source = Type.Enum(['tenant', 'default', 'bounds']);
const fields = Object.keys(EffectivePolicy.properties) as (keyof typeof EffectivePolicy.properties)[];

const ActiveKey = Type.Object(
  {
    keyId: KeyId,
    keyNumber: Type.Integer({ minimum: 1 }),
    activatedAt: Timestamp,
    ageSeconds: Type.Integer({ minimum: 0, description: 'Since it became active.' }),
    seals: Count,
    sealsMax: Count,
    kek: orNull(
      Type.Object(
        {
          name: orNull(Type.String(), 'Null: no configuration names it.'),
          kekId: Type.String(),
          wrapVersion: Type.Integer({ minimum: 1, description: 'How often the DEK was wrapped.' }),
          wrappedAt: Timestamp,
        },
        closed,
      ),
      'What it is wrapped under.',
    ),
  },
  closed,
);

export const TenantState = Type.Object(
  {
    tenantId: Uuid,
    name: Type.String(),
    createdAt: Timestamp,
    activeKey: orNull(ActiveKey, 'Null: it has none yet.'),
    keys: Type.Object(
      { pre_active: Count, active: Count, deactivated: Count, compromised: Count },
      { ...closed, description: 'DEKs that are not destroyed, by their states.' },
    ),
    coverage: Type.Object(
      {
        records: Count,
        underActiveKey: Count,
        share: Type.Number({ minimum: 0, maximum: 1, description: 'Of no records: 1.' }),
      },
      { ...closed, description: 'Counted for this call: a second or so for each million records.' },
    ),
    policy: Type.Object(
      {
        version: Type.Integer({ minimum: 0, description: 'Of its own. 0: nobody has put one.' }),
        defaultVersion: Count,
        effective: EffectivePolicy,
        source: Type.Object(
          Object.fromEntries(fields.map((name) => [name, Source])) as Record<
            (typeof fields)[number],
            typeof Source
          >,
          {
            ...closed,
            description:
              'By whose word each field holds. `bounds`: its own says something else, which was brought within what the default admits.',
          },
        ),
      },
      closed,
    ),
    standing: orNull(
      KeyStanding,
      'How the active DEK stands by that now. Null: nothing says when it is to be rotated, or there is none.',
    ),
    wrapping: orNull(
      Wrapping,
      'Of the DEK that was wrapped the longest ago. Null: nothing says when it is to be rewrapped, or there is none.',
    ),
    rotation: orNull(
      Type.Object({ rotationId: RotationId, status: RotationStatus, phase: RotationPhase }, closed),
      'The one that is unfinished.',
    ),
  },
  closed,
);
export type TenantState = Static<typeof TenantState>;

export const TenantResponse = answer('Tenant', Type.Literal(tenantMessage), TenantState, {
  examples: [
    {
      success: true,
      message: tenantMessage,
      data: {
        tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
        name: 'Example GmbH',
        createdAt: '2024-01-10T09:00:00.000Z',
        activeKey: {
          keyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
          keyNumber: 3,
          activatedAt: '2025-04-09T09:00:00.000Z',
          ageSeconds: 7_968_902,
          seals: 41_822,
          sealsMax: 2 ** 32,
          kek: {
            name: 'aws-frankfurt',
            kekId: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012',
            wrapVersion: 1,
            wrappedAt: '2025-04-09T08:59:58.000Z',
          },
        },
        keys: { pre_active: 0, active: 1, deactivated: 1, compromised: 0 },
        coverage: { records: 85, underActiveKey: 85, share: 1 },
        policy: {
          version: 2,
          defaultVersion: 1,
          effective: effectiveExample,
          source: {
            ...(Object.fromEntries(fields.map((name) => [name, 'default'])) as Record<
              (typeof fields)[number],
              'default'
            >),
            rotateEveryDays: 'tenant',
            windows: 'tenant',
          },
        },
        standing: {
          level: 'overdue',
          dueAt: '2025-07-02T21:17:40.000Z',
          overdueAt: '2025-07-08T09:00:00.000Z',
          tries: 0,
          triedAt: null,
        },
        wrapping: wrappingExample,
        rotation: {
          rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
          status: 'in_progress',
          phase: 'sweeping',
        },
      },
      timestamp: '2025-07-10T14:35:02.000Z',
    },
  ],
});
export type TenantResponse = Static<typeof TenantResponse>;
