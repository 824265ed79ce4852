import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

const statementType = 'https://in-toto.io/Statement/v1';

/** Raised when a field changes its meaning or goes; what is added to a predicate leaves it. */
export const rotationPredicateType = 'https://rekey.dev/attestations/rotation/v1';

/** What the database says of a rotation, and who signed for it. */
export interface RotationPredicate {
  readonly schemaVersion: 1;
  readonly rotationId: string;
  readonly tenantId: string;
  readonly signedAt: string;
  readonly [field: string]: unknown;
}

export interface RotationStatement {
  readonly _type: typeof statementType;
  readonly subject: ReadonlyArray<{ readonly name: string; readonly digest: { readonly sha256: string } }>;
  readonly predicateType: typeof rotationPredicateType;
  readonly predicate: RotationPredicate;
}

/**
 * The bytes that are signed. Their subject is the predicate itself, by its digest: a rotation is no file that could be hashed,
 * and tools that verify statements want one.
 */
export function rotationStatement(predicate: RotationPredicate): Buffer {
  const statement: RotationStatement = {
    _type: statementType,
    subject: [{ name: predicate.rotationId, digest: { sha256: digestOf(predicate) } }],
    predicateType: rotationPredicateType,
    predicate,
  };
  return Buffer.from(canonicalJson(statement), 'utf8');
}

/** Null where these bytes are no statement of a rotation; they have been verified, or say nothing. */
export function readRotationStatement(bytes: Buffer): RotationStatement | null {
  const statement = parse(bytes) as Partial<RotationStatement> | null;
  if (statement === null || typeof statement !== 'object') return null;
  const { predicate } = statement;
  const isOne =
    statement._type === statementType &&
    statement.predicateType === rotationPredicateType &&
    typeof predicate === 'object' &&
    predicate !== null &&
    predicate.schemaVersion === 1 &&
    typeof predicate.rotationId === 'string' &&
    typeof predicate.tenantId === 'string' &&
    typeof predicate.signedAt === 'string' &&
    !Number.isNaN(Date.parse(predicate.signedAt));
  // Canonical and with the subject that follows from the predicate: there is one form of each statement.
  return isOne && rotationStatement(predicate).equals(bytes) ? (statement as RotationStatement) : null;
}

function digestOf(predicate: RotationPredicate): string {
  return createHash('sha256').update(canonicalJson(predicate)).digest('hex');
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
