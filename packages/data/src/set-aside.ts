import { sqlStateOf } from '@rekey/db';

/**
 * Why a record was left as it is; the database and the HTTP contract hold the same list.
 *
 * - `MALFORMED`, `AUTHENTICATION_FAILED`: it is no ciphertext of ours, or not of this record.
 * - `KEY_UNKNOWN`, `KEY_UNUSABLE`: there is no such DEK, or its stored bytes are damaged.
 * - `TOO_LARGE`: larger than this installation allows; it was not even read.
 * - `UNREADABLE`: Postgres itself cannot read it (damaged storage).
 * - `REFUSED_BY_CONSTRAINT`, `REFUSED_BY_TRIGGER`: the database does not let it be updated.
 */
export const setAsideReasons = [
  'MALFORMED',
  'KEY_UNKNOWN',
  'KEY_UNUSABLE',
  'AUTHENTICATION_FAILED',
  'TOO_LARGE',
  'UNREADABLE',
  'REFUSED_BY_CONSTRAINT',
  'REFUSED_BY_TRIGGER',
] as const;
export type SetAsideReason = (typeof setAsideReasons)[number];

/** A record that is named and left as it is, unless it is not the one that was seen any more. */
export interface SetAside {
  readonly id: Buffer;
  /** Null for one that could not be read. */
  readonly seen: Buffer | null;
  readonly reason: SetAsideReason;
}

/**
 * Says of the refusal of a batch that it concerns what stands in one of its records, so that this one can be found and
 * set aside; null for anything that passes or that somebody is to repair: a lock, a deadlock, a lost connection, a
 * missing right or table, be it within a trigger.
 */
export function refusalOf(error: unknown): SetAsideReason | null {
  const found = sqlStateOf(error);
  if (found === null) return null;
  const { state, raisedInside } = found;
  if (state === 'RK008') return 'TOO_LARGE';
  // Of our own triggers: the identity changed; the bytes did.
  if (state === 'RK004' || state === 'RK009') return 'REFUSED_BY_TRIGGER';
  if (/^(22|23|44|54)/.test(state)) return raisedInside ? 'REFUSED_BY_TRIGGER' : 'REFUSED_BY_CONSTRAINT';
  if (/^(P0|09|20|21|27|2F|38|39)/.test(state)) return 'REFUSED_BY_TRIGGER';
  // Whatever a function of the application chose to raise: a code of nobody else's, or one that many choose.
  const isTheirs = state === '55000' || (/^[5-9I-Z]/.test(state) && !/^(53|55|57|58|RK|XX)/.test(state));
  if (raisedInside && isTheirs) return 'REFUSED_BY_TRIGGER';
  return null;
}
