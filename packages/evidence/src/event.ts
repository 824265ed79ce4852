import { createHash } from 'node:crypto';
import { canonicalOfAny } from './canonical-json.ts';

/** An event of the audit: these members, no others, are what its hash covers. */
export interface AuditEvent {
  readonly actor: unknown;
  /** UTC, with microseconds. */
  readonly at: string;
  /** The tenant's id, or the installation's. */
  readonly chain: string;
  readonly databaseRole: string;
  readonly kind: string;
  readonly payload: unknown;
  /** The hash of the event before it, in hex; zeros for the first. */
  readonly previous: string;
  readonly rotationId: string | null;
  readonly sequence: number;
  readonly version: number;
}

const members: Readonly<Record<keyof AuditEvent, (value: unknown) => boolean>> = {
  actor: isObject,
  at: (value) => isText(value, /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
  chain: isUuid,
  databaseRole: (value) => typeof value === 'string',
  kind: (value) => typeof value === 'string',
  payload: isObject,
  previous: isHash,
  rotationId: (value) => value === null || isUuid(value),
  sequence: isCount,
  version: isCount,
};
const names = Object.keys(members).sort().join();

export const firstPrevious = '0'.repeat(64);

/** Whether this is an event, with all members and none besides. */
export function isAuditEvent(value: unknown): value is AuditEvent {
  if (!isObject(value) || Object.keys(value).sort().join() !== names) return false;
  return Object.entries(members).every(([name, isSound]) => isSound(value[name]));
}

/** Its one form as text: RFC 8785. */
export function canonicalEvent(event: AuditEvent): string {
  return canonicalOfAny(event);
}

/** SHA-256, in hex, over the fields in this order, each behind its length in bytes as four bytes, big-endian. */
export function eventHash(event: AuditEvent): string {
  const hash = createHash('sha256');
  const fields: readonly (string | Buffer)[] = [
    'rekey event',
    `${event.version}`,
    event.chain,
    `${event.sequence}`,
    event.at,
    event.kind,
    canonicalOfAny(event.actor),
    event.databaseRole,
    event.rotationId ?? '',
    canonicalOfAny(event.payload),
    Buffer.from(event.previous, 'hex'),
  ];
  for (const field of fields) {
    const bytes = Buffer.from(field as string, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}

export function isHash(value: unknown): value is string {
  return isText(value, /^[0-9a-f]{64}$/);
}

export function isUuid(value: unknown): value is string {
  return isText(value, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
