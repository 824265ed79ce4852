import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, Timestamp, Uuid } from './ids.ts';
import { KekName } from './keks.ts';
import { KeyStanding, Wrapping, wrappingExample } from './key-standing.ts';
import { OpenHoursList } from './open-hours.ts';
import { Reason } from './reason.ts';
import { RotationHeaders } from './rotation.ts';

export const policyMessages = { get: 'Key policy', put: 'Key policy stored' } as const;

const daysMax = 3_650;
/** As many as a key may seal with random IVs (NIST SP 800-38D). */
const sealsMax = 4_294_967_296;

const Days = Type.Integer({ minimum: 1, maximum: daysMax });
const Seals = Type.Integer({ minimum: 1, maximum: sealsMax });

const orNever = (number: typeof Days, description: string) =>
  Type.Union([number, Type.Null()], { title: 'number within its bounds, or null', description });

const RotateEveryDays = orNever(
  Days,
  'A rotation is begun when the active DEK is so old, or up to a tenth of that sooner. Null: never because of its age.',
);
const RotateBeforeSeals = orNever(
  Seals,
  'A rotation is begun before the active DEK has sealed so often. Null: never because of that.',
);
const RewrapEveryDays = orNever(
  Days,
  'DEKs are wrapped anew, by the newest version of their KEK, when that was so long ago, or up to a tenth of that sooner. Null: never by itself.',
);
const RetireAfterDays = orNever(
  Days,
  'So long after a DEK went out of use records that are left under it are swept again. Null: not before the next rotation.',
);
const DestroyAfterDays = orNever(
  Days,
  'So long after a DEK went out of use its destruction is asked for, under the conditions of every destruction. Null: never by itself.',
);
const Kek = Type.Union([KekName, Type.Null()], {
  title: 'name of a registered KEK, or null',
  description: 'What new DEKs are wrapped under. Null: what wraps those of the tenant.',
});

const Effective = {
  rotateEveryDays: RotateEveryDays,
  rotateBeforeSeals: RotateBeforeSeals,
  rewrapEveryDays: RewrapEveryDays,
  retireAfterDays: RetireAfterDays,
  destroyAfterDays: DestroyAfterDays,
  windows: OpenHoursList,
  kek: Kek,
};

const Own = {
  rotateEveryDays: Type.Optional(RotateEveryDays),
  rotateBeforeSeals: Type.Optional(RotateBeforeSeals),
  rewrapEveryDays: Type.Optional(RewrapEveryDays),
  retireAfterDays: Type.Optional(RetireAfterDays),
  destroyAfterDays: Type.Optional(DestroyAfterDays),
  windows: Type.Optional(OpenHoursList),
  kek: Type.Optional(Kek),
};

const Bounds = Type.Object(
  {
    rotateEveryDaysMin: Type.Optional(Days),
    rotateEveryDaysMax: Type.Optional(Days),
    rotateBeforeSealsMax: Type.Optional(Seals),
    rewrapEveryDaysMin: Type.Optional(Days),
    rewrapEveryDaysMax: Type.Optional(Days),
    retireAfterDaysMax: Type.Optional(Days),
  },
  {
    additionalProperties: false,
    title:
      'object {rotateEveryDaysMin, rotateEveryDaysMax, rotateBeforeSealsMax, rewrapEveryDaysMin, rewrapEveryDaysMax, retireAfterDaysMax}',
    description: 'What tenants’ policies may say; those put before are brought within them.',
  },
);

const OfDefault = {
  ...Own,
  bounds: Type.Optional(Bounds),
  rotationsAtOnce: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      title: 'number from 1 to 1000',
      description: 'How many rotations that policies began run at once; 4 if it is not said.',
    }),
  ),
};

const closed = { additionalProperties: false } as const;
const exampleOwn = {
  rotateEveryDays: 90,
  windows: [{ days: ['mon', 'tue'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' }],
};

export const PolicyBody = Type.Object(
  { ...Own, reason: Type.Optional(Reason) },
  { ...closed, examples: [exampleOwn] },
);
export const DefaultPolicyBody = Type.Object(
  { ...OfDefault, reason: Type.Optional(Reason) },
  { ...closed, examples: [{ rotateEveryDays: 90, bounds: { rotateEveryDaysMax: 365 }, rotationsAtOnce: 4 }] },
);

export const PolicyParams = Type.Object({ tenantId: AnyCaseUuid });

export const PutPolicyHeaders = Type.Object({
  ...RotationHeaders.properties,
  'if-match': Type.Optional(
    Type.String({
      pattern: '^"(0|[1-9][0-9]{0,8})"$',
      title: 'ETag as it was read',
      description: 'The `ETag` of what is to be replaced; `"0"`: there is none. Without it: 428.',
      examples: ['"1"'],
    }),
  ),
});

const Protection = Type.Object(
  {
    destructionGraceSeconds: Type.Integer({ minimum: 0 }),
    destructionUnusedSeconds: Type.Integer({ minimum: 0 }),
    backupHorizonSeconds: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'Null: nobody has declared how long backups are kept, and so no key is destroyed.',
    }),
    destructionApprovals: Type.Integer({ minimum: 0 }),
  },
  {
    ...closed,
    description:
      'Settings of the installation that protect keys whatever a policy says; changed in the database.',
  },
);

const about = {
  version: Type.Integer({ minimum: 0, description: 'Also the `ETag`. 0: nobody has put one.' }),
  putAt: Type.Union([Timestamp, Type.Null()]),
};
export const EffectivePolicy = Type.Object(Effective, { ...closed, description: 'What holds.' });

export const effectiveExample = {
  rotateEveryDays: 90,
  rotateBeforeSeals: null,
  rewrapEveryDays: 365,
  retireAfterDays: null,
  destroyAfterDays: null,
  windows: [{ days: ['mon', 'tue'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' }],
  kek: null,
};
const protectionExample = {
  destructionGraceSeconds: 2_592_000,
  destructionUnusedSeconds: 2_592_000,
  backupHorizonSeconds: null,
  destructionApprovals: 0,
};
const messages = Type.Union([Type.Literal(policyMessages.get), Type.Literal(policyMessages.put)]);
const sample = (data: object) => [
  {
    success: true,
    message: policyMessages.get,
    data: { version: 2, putAt: '2025-07-10T14:35:00.000Z', ...data, effective: effectiveExample },
    timestamp: '2025-07-10T14:35:02.000Z',
  },
];

export const PolicyResponse = answer(
  'Policy',
  messages,
  Type.Object(
    {
      tenantId: Uuid,
      ...about,
      policy: Type.Object(Own, { ...closed, description: 'What it leaves out is the default’s.' }),
      defaultVersion: about.version,
      effective: EffectivePolicy,
      byDefault: Type.Object(Effective, { ...closed, description: 'What holds for who says nothing.' }),
      bounds: Bounds,
      protection: Protection,
      standing: Type.Union([KeyStanding, Type.Null()], {
        description:
          'How the active DEK stands by what holds. Null: nothing says when it is to be rotated, or there is none.',
      }),
      wrapping: Type.Union([Wrapping, Type.Null()], {
        description:
          'Of the DEK that was wrapped the longest ago. Null: nothing says when it is to be rewrapped, or there is none.',
      }),
    },
    closed,
  ),
  {
    examples: sample({
      tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
      policy: exampleOwn,
      defaultVersion: 1,
      byDefault: { ...effectiveExample, rotateEveryDays: 180, windows: null },
      bounds: { rotateEveryDaysMax: 365 },
      protection: protectionExample,
      standing: {
        level: 'due',
        dueAt: '2025-07-09T11:02:14.000Z',
        overdueAt: '2025-07-14T09:30:00.000Z',
        tries: 0,
        triedAt: null,
      },
      wrapping: wrappingExample,
    }),
  },
);
export type PolicyResponse = Static<typeof PolicyResponse>;

export const DefaultPolicyResponse = answer(
  'DefaultPolicy',
  messages,
  Type.Object(
    { ...about, policy: Type.Object(OfDefault, closed), effective: EffectivePolicy, protection: Protection },
    closed,
  ),
  { examples: sample({ policy: { ...exampleOwn, rotationsAtOnce: 4 }, protection: protectionExample }) },
);
export type DefaultPolicyResponse = Static<typeof DefaultPolicyResponse>;
