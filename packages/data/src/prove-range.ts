import { prepared, type Queryable } from '@rekey/db';
import { escapeIdentifier } from 'pg';
import { stepItems as usualStepItems } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';

export type ProvedRange =
  | { readonly kind: 'proved' }
  /** A part of it is, for good; the next call goes on behind that. */
  | { readonly kind: 'further' }
  /** So many records on an older DEK are not accounted for: the range needs another pass. */
  | { readonly kind: 'left'; readonly items: number }
  /** Transactions that began before the switch may still write under an older DEK: nothing can be proved yet. */
  | { readonly kind: 'draining' }
  /** The lease is another's. */
  | { readonly kind: 'lost' };

/** A range that was swept, and whose it is. */
export interface SweptRange {
  readonly target: Target;
  readonly lease: Lease;
}

/**
 * Counts what stands in a range on any DEK but the new one, and marks the range as proved where that is nothing but what was
 * set aside: all of it by a function of the database that is made for each target, `rekey.install_proof`, so that whoever
 * proves has nothing to say about what is counted. A range that has grown takes a call for each `stepItems` records.
 */
export async function proveRange(
  on: Queryable,
  target: Target,
  lease: Lease,
  stepItems = usualStepItems,
): Promise<ProvedRange> {
  const [proof = lost] = await proveRanges(on, [{ target, lease }], stepItems);
  return proof;
}

const lost = { kind: 'lost' } as const;

/**
 * The same for several ranges by one statement, which is all or nothing: what a statement costs before it does anything is
 * more than counting a few records. Each function in it looks with snapshots of its own, taken when it is called.
 */
export async function proveRanges(
  on: Queryable,
  ranges: readonly SweptRange[],
  stepItems = usualStepItems,
): Promise<ProvedRange[]> {
  const calls = ranges.map(({ target }, place) => {
    const [first, second, third, fourth] = [1, 2, 3, 4].map((number) => `$${4 * place + number}`);
    const prove = escapeIdentifier(`prove_${target.name}`);
    return `select ${place} as place, outcome, items from rekey.${prove}(${first}, ${second}, ${third}, ${fourth})`;
  });
  const proofs = await prepared<{ place: number; outcome: ProvedRange['kind']; items: string | null }>(
    on,
    calls.join(' union all '),
    ranges.flatMap(({ lease: { rotationId, ordinal, owner } }) => [rotationId, ordinal, owner, stepItems]),
  );
  return ranges.map((_, place) => {
    const proof = proofs.find((one) => one.place === place);
    if (proof === undefined) return lost;
    return proof.outcome === 'left' ? { kind: 'left', items: Number(proof.items) } : { kind: proof.outcome };
  });
}
