import {
  type Ends,
  type FailureReason,
  type IntegrityProblem,
  integrityDetail,
  type MetWaiting,
  type WaitingFor,
} from '@rekey/control';
import { TargetTrouble } from '@rekey/data';
import { StoreError } from '@rekey/db';
import { EnvelopeError } from '@rekey/envelope';
import { KmsError } from '@rekey/kms';
import { kekRefusedMs, keyUnusableMs } from '@rekey/times';

/** What to make of an error: wait it out and say for what, or end the rotation and say why. */
export type Trouble =
  | { readonly kind: 'transient'; readonly waitingFor: WaitingFor; readonly detail?: MetWaiting }
  /** A part of schema rekey is not there: permanent if it stays so, and not for a moment in the midst of a change. */
  | { readonly kind: 'schema_missing' }
  | {
      readonly kind: 'permanent';
      readonly reason: FailureReason;
      readonly isCertain?: boolean;
      /** What it waits for as long as that does not end it; absent: for the KMS. */
      readonly meanwhile?: Waits;
    }
  /** Not ours any more: another worker, a cancel or a newer rotation took over. */
  | { readonly kind: 'overtaken' };

/** What a rotation waits for. */
export interface Waits {
  readonly waitingFor: WaitingFor;
  readonly detail?: MetWaiting;
}

type Transient = Extract<Trouble, { kind: 'transient' }>;
const transient = (waitingFor: WaitingFor): Transient => ({ kind: 'transient', waitingFor });
const permanent = (reason: FailureReason): Trouble => ({ kind: 'permanent', reason });

const ofStore = {
  UNAVAILABLE: transient('database'),
  ACCESS_DENIED: transient('database'),
  UNFIT: transient('database'),
  LOCKED: transient('lock'),
  CONFLICT: transient('database'),
  FENCED: { kind: 'overtaken' },
  SCHEMA_MISSING: { kind: 'schema_missing' },
  SCHEMA_OUTDATED: { kind: 'schema_missing' },
  REFUSED: transient('database'),
  INTERNAL: transient('database'),
} as const satisfies Record<StoreError['code'], Trouble>;

const ofKms = {
  UNAVAILABLE: transient('kms'),
  DENIED: permanent('KEK_DENIED'),
  NOT_FOUND: permanent('KEK_NOT_FOUND'),
  NOT_HELD: transient('kms'),
  MISMATCH: permanent('OLD_KEY_UNUSABLE'),
  CORRUPT: permanent('OLD_KEY_UNUSABLE'),
  INVALID_URI: permanent('KEK_NOT_FOUND'),
  UNSUPPORTED_URI: permanent('KEK_NOT_FOUND'),
} as const satisfies Record<KmsError['code'], Trouble>;

/** A permanent cause that was found where it arose. */
export class PermanentTrouble extends Error {
  readonly reason: FailureReason;
  /** Whether it stands in the database, and is no matter of this worker's KEK or rights. */
  readonly isCertain: boolean;

  constructor(
    reason: FailureReason,
    { isCertain = false, cause }: { readonly isCertain?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`the rotation cannot go on: ${reason}`, { cause });
    this.name = 'PermanentTrouble';
    this.reason = reason;
    this.isCertain = isCertain;
  }
}

/** What the proofs rest on is not as it must be: the rotation waits until somebody has put it right. */
export class IntegrityTrouble extends Error {
  readonly problems: readonly IntegrityProblem[];

  constructor(problems: readonly IntegrityProblem[]) {
    super(integrityDetail(problems).what);
    this.name = 'IntegrityTrouble';
    this.problems = problems;
  }
}

/**
 * The list of permanent causes is closed: whatever is not on it is waited out, since a rotation that ends because of
 * an unknown hiccup is worse than one that is seen to wait.
 */
export function diagnose(error: unknown): Trouble {
  if (error instanceof PermanentTrouble)
    return {
      kind: 'permanent',
      reason: error.reason,
      isCertain: error.isCertain,
      ...meanwhileOf(error.cause),
    };
  if (error instanceof IntegrityTrouble)
    return { ...transient('integrity'), detail: integrityDetail(error.problems) };
  if (error instanceof TargetTrouble) return { ...transient('database'), detail: detailOf(error) };
  if (error instanceof StoreError) {
    const isTheirs = error.code === 'SCHEMA_MISSING' && error.said?.isOurs === false;
    // Neither Postgres nor the network said it: it is a bug.
    if (error.code === 'INTERNAL' && error.sqlState === undefined) return internal();
    return isTheirs ? transient('database') : ofStore[error.code];
  }
  if (error instanceof KmsError && error.code === 'NOT_HELD')
    return { ...transient('kms'), detail: detailOfMissing(error) };
  if (error instanceof KmsError) {
    const trouble: Trouble = ofKms[error.code];
    return trouble.kind === 'permanent' ? { ...trouble, ...meanwhileOf(error) } : trouble;
  }
  return isFault(error) ? internal() : transient('database');
}

function internal(): Transient {
  const detail = {
    what: 'a worker met a fault of Rekey',
    since: null,
    todo: 'report what the log line "rotation waits" of a worker says, at error; it is tried again, and a cancel is always possible',
  };
  return { ...transient('internal'), detail };
}

/** Neither Postgres nor the network said it: they have codes. */
function isFault(error: unknown): boolean {
  if (error instanceof EnvelopeError) return true;
  return !(error instanceof Error && 'code' in error);
}

function detailOf({ target, table, state }: TargetTrouble): MetWaiting {
  return {
    what: `table ${table} (target ${target}) cannot be worked on: SQLSTATE ${state}`,
    since: null,
    todo: `bring the table, its columns, rights and triggers back as they were; if it is gone for good: select rekey.unregister_target('${target}')`,
  };
}

/** What one process was not given, another may have: it ends nothing, however long it takes. */
function detailOfMissing({ message }: KmsError): MetWaiting {
  return {
    what: `of the worker that tried last: ${message}`,
    since: null,
    ofOneWorker: true,
    todo: 'start a worker that has this KEK, as KEK_URI or among KEK_URIS_UNWRAP_ONLY; it goes on by itself then',
  };
}

/** What a rotation is said to wait for as long as the KEK's answer does not end it. */
function meanwhileOf(error: unknown): { readonly meanwhile?: Waits } {
  if (!(error instanceof KmsError)) return {};
  if (error.code === 'DENIED' || error.code === 'NOT_FOUND')
    return { meanwhile: suspended(error.code, error) };
  return error.code === 'MISMATCH' ? { meanwhile: mismatched(error) } : {};
}

function mismatched({ message }: KmsError): Waits {
  const detail = {
    what: `${message}: they were not used`,
    since: null,
    todo: 'ask whoever runs the KMS, or what stands between it and the workers, how an answer can be another one; it goes on by itself once the right one comes',
  };
  return { waitingFor: 'kms', detail };
}

/** Somebody has to act, so that it is asked for ever more seldom. The same words as long as it is the same. */
function suspended(code: 'DENIED' | 'NOT_FOUND', { kekId }: KmsError): Waits {
  const kek = kekId === undefined ? 'the KEK' : `KEK ${kekId}`;
  const detail = {
    what:
      code === 'DENIED'
        ? `the KMS refuses the use of ${kek}: it is disabled, pending deletion, or a right is missing`
        : `the KMS has no such key: ${kek}`,
    since: null,
    todo: 'see the code and message in the log line "rotation waits" of a worker; enable or restore the key, or the right: it goes on by itself within 10 minutes',
  };
  return { waitingFor: 'kek_suspended', detail };
}

/** How long a rotation waits before its switch until a cause ends it; the others end it whenever they are met. */
const patienceMs: Readonly<Partial<Record<FailureReason, number>>> = {
  KEK_DENIED: kekRefusedMs,
  KEK_NOT_FOUND: kekRefusedMs,
  OLD_KEY_UNUSABLE: keyUnusableMs,
  NEW_KEY_UNUSABLE: keyUnusableMs,
};

/**
 * Whether a permanent cause ends a rotation now. What one worker says of a key may be its own fault: it has another
 * KEK, or a right that others have. So the others get their turn first; and once the new DEK is in use, an end would
 * help nobody.
 */
export const endsRotation: Ends = (reason, { switched, forMs }) => {
  const patience = patienceMs[reason];
  return patience === undefined || (!switched && forMs >= patience);
};
