import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

const statementType = 'https://in-toto.io/Statement/v1';

/** Of what a certificate is. Raised when a field changes its meaning or goes; what is added to a predicate leaves it. */
export const predicateTypes = {
  rotation: 'https://rekey.dev/attestations/rotation/v1',
  rewrap: 'https://rekey.dev/attestations/rewrap/v1',
  destruction: 'https://rekey.dev/attestations/destruction/v1',
} as const;

export type StatementKind = keyof typeof predicateTypes;
/** The member of the predicate that says which one. */
const subjects = { rotation: 'rotationId', rewrap: 'rewrapId', destruction: 'keyId' } as const;
const kinds = Object.keys(predicateTypes) as StatementKind[];

/** What the database says of completed work, and who signed for it. */
export interface Predicate {
  readonly schemaVersion: 1;
  /** Null: of all tenants. */
  readonly tenantId: string | null;
  readonly signedAt: string;
  readonly [field: string]: unknown;
}

export interface Statement {
  readonly _type: typeof statementType;
  readonly subject: ReadonlyArray<{ readonly name: string; readonly digest: { readonly sha256: string } }>;
  readonly predicateType: (typeof predicateTypes)[StatementKind];
  readonly predicate: Predicate;
}

/**
 * The bytes that are signed. Their subject is the predicate itself, by its digest: a rotation is no file that could be hashed,
 * and tools that verify statements want one.
 */
export function statementOf(kind: StatementKind, predicate: Predicate): Buffer {
  const name = predicate[subjects[kind]];
  if (typeof name !== 'string') throw new TypeError(`A certificate of a ${kind} must say of which one`);
  const statement: Statement = {
    _type: statementType,
    subject: [{ name, digest: { sha256: digestOf(predicate) } }],
    predicateType: predicateTypes[kind],
    predicate,
  };
  return Buffer.from(canonicalJson(statement), 'utf8');
}

/** Null where these bytes are no statement of ours; they have been verified, or say nothing. */
export function readStatement(
  bytes: Buffer,
): { readonly kind: StatementKind; readonly statement: Statement } | null {
  const statement = parse(bytes) as Partial<Statement> | null;
  if (statement === null || typeof statement !== 'object') return null;
  const { predicate } = statement;
  const kind = kinds.find((one) => predicateTypes[one] === statement.predicateType);
  if (kind === undefined) return null;
  const isOne =
    statement._type === statementType &&
    typeof predicate === 'object' &&
    predicate !== null &&
    predicate.schemaVersion === 1 &&
    typeof predicate[subjects[kind]] === 'string' &&
    // Every certificate is of one tenant; only a rewrap may be of all.
    (typeof predicate.tenantId === 'string' || (kind === 'rewrap' && predicate.tenantId === null)) &&
    typeof predicate.signedAt === 'string' &&
    !Number.isNaN(Date.parse(predicate.signedAt));
  // Canonical and with the subject that follows from the predicate: there is one form of each statement.
  const isWhole = isOne && isWrittenAs(kind, predicate, bytes);
  return isWhole ? { kind, statement: statement as Statement } : null;
}

function isWrittenAs(kind: StatementKind, predicate: Predicate, bytes: Buffer): boolean {
  try {
    return statementOf(kind, predicate).equals(bytes);
  } catch {
    return false; // a number or half a character that stands in no statement, or nested deeper than any
  }
}

function digestOf(predicate: Predicate): string {
  return createHash('sha256').update(canonicalJson(predicate)).digest('hex');
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
