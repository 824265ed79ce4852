import {
  type Ends,
  type FailureReason,
  type IntegrityProblem,
  integrityDetail,
  type WaitingDetail,
  type WaitingFor,
} from '@rekey/control';
import { StoreError } from '@rekey/db';
import { KmsError } from '@rekey/kms';

/** What to make of an error: wait it out and say for what, or end the rotation and say why. */
export type Trouble =
  | { readonly kind: 'transient'; readonly waitingFor: WaitingFor; readonly detail?: WaitingDetail }
  | { readonly kind: 'permanent'; readonly reason: FailureReason }
  /** Not ours any more: another worker, a cancel or a newer rotation took over. */
  | { readonly kind: 'overtaken' };

const transient = (waitingFor: WaitingFor): Trouble & { kind: 'transient' } => ({
  kind: 'transient',
  waitingFor,
});
const permanent = (reason: FailureReason): Trouble => ({ kind: 'permanent', reason });

const ofStore = {
  UNAVAILABLE: transient('database'),
  ACCESS_DENIED: transient('database'),
  UNFIT: transient('database'),
  LOCKED: transient('lock'),
  CONFLICT: transient('database'),
  FENCED: { kind: 'overtaken' },
  SCHEMA_MISSING: permanent('SCHEMA_MISSING'),
  SCHEMA_OUTDATED: permanent('SCHEMA_MISSING'),
  REFUSED: transient('database'),
  INTERNAL: transient('database'),
} as const satisfies Record<StoreError['code'], Trouble>;

const ofKms = {
  UNAVAILABLE: transient('kms'),
  DENIED: permanent('KEK_DENIED'),
  NOT_FOUND: permanent('KEK_NOT_FOUND'),
  CORRUPT: permanent('OLD_KEY_UNUSABLE'),
  INVALID_URI: permanent('KEK_NOT_FOUND'),
  UNSUPPORTED_URI: permanent('KEK_NOT_FOUND'),
} as const satisfies Record<KmsError['code'], Trouble>;

/** A permanent cause that was found where it arose. */
export class PermanentTrouble extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason) {
    super(`the rotation cannot go on: ${reason}`);
    this.name = 'PermanentTrouble';
    this.reason = reason;
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
  if (error instanceof PermanentTrouble) return permanent(error.reason);
  if (error instanceof IntegrityTrouble)
    return { ...transient('integrity'), detail: integrityDetail(error.problems) };
  if (error instanceof StoreError) return ofStore[error.code];
  if (error instanceof KmsError) return ofKms[error.code];
  return transient('database');
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** How long a rotation waits before its switch until a cause ends it; the others end it whenever they are met. */
const patienceMs: Readonly<Partial<Record<FailureReason, number>>> = {
  KEK_DENIED: dayMs,
  KEK_NOT_FOUND: dayMs,
  OLD_KEY_UNUSABLE: minuteMs,
  NEW_KEY_UNUSABLE: minuteMs,
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
