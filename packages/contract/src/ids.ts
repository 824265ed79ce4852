import Type from 'typebox';

const hex = '[0-9a-fA-F]';
const uuidPattern = `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`;
const lowerUuidPattern = uuidPattern.replaceAll('a-fA-F', 'a-f');

/** A UUID as callers may write it: either case, any version or variant, as Postgres takes it. */
export const AnyCaseUuid = Type.String({
  pattern: `^${uuidPattern}$`,
  maxLength: 36,
  title: 'UUID',
  description: '8-4-4-4-12 hex digits, in either case.',
  examples: ['3fa85f64-5717-4562-b3fc-2c963f66afa6'],
});

/** A UUID as we answer it: lower case. */
export const Uuid = Type.String({
  pattern: `^${lowerUuidPattern}$`,
  examples: ['3fa85f64-5717-4562-b3fc-2c963f66afa6'],
});

export const RotationId = Type.String({
  pattern: `^rot-${lowerUuidPattern}$`,
  examples: ['rot-550e8400-e29b-41d4-a716-446655440001'],
});

/** As callers may write it. */
export const AnyCaseRotationId = Type.String({
  pattern: `^rot-${uuidPattern}$`,
  title: 'rotation id (rot-<uuid>)',
  examples: ['rot-550e8400-e29b-41d4-a716-446655440001'],
});

export const KeyId = Type.String({
  pattern: `^dek-${lowerUuidPattern}$`,
  examples: ['dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11'],
});

export const PlanId = Type.String({
  pattern: `^plan-${lowerUuidPattern}$`,
  examples: ['plan-550e8400-e29b-41d4-a716-446655440003'],
});

/** As callers may write it. */
export const AnyCasePlanId = Type.String({
  pattern: `^plan-${uuidPattern}$`,
  title: 'plan id (plan-<uuid>)',
  description: 'A completed plan of this tenant, which no other rotation was started with.',
  examples: ['plan-550e8400-e29b-41d4-a716-446655440003'],
});

export const Timestamp = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
  description: 'ISO 8601, UTC, with milliseconds.',
  examples: ['2025-07-10T14:35:00.000Z'],
});

const uuid = new RegExp(`^${uuidPattern}$`);
const rotationId = new RegExp(`^rot-(${uuidPattern})$`);
const planId = new RegExp(`^plan-(${uuidPattern})$`);
const keyId = new RegExp(`^dek-(${uuidPattern})$`);

/** The UUID in lower case, or null when `text` is none. */
export function parseUuid(text: string): string | null {
  return uuid.test(text) ? text.toLowerCase() : null;
}

/** The UUID behind `rot-`, in lower case, or null when `text` is no rotation id. */
export function parseRotationId(text: string): string | null {
  return rotationId.exec(text)?.[1]?.toLowerCase() ?? null;
}

export function formatRotationId(id: string): string {
  return `rot-${id.toLowerCase()}`;
}

/** The UUID behind `dek-`, in lower case, or null when `text` is no key id. */
export function parseKeyId(text: string): string | null {
  return keyId.exec(text)?.[1]?.toLowerCase() ?? null;
}

export function formatKeyId(id: string): string {
  return `dek-${id.toLowerCase()}`;
}

/** The UUID behind `plan-`, in lower case, or null when `text` is no id of a plan. */
export function parsePlanId(text: string): string | null {
  return planId.exec(text)?.[1]?.toLowerCase() ?? null;
}

export function formatPlanId(id: string): string {
  return `plan-${id.toLowerCase()}`;
}
