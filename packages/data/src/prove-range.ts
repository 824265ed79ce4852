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
  // In the same order each time, so that connections know few such statements.
  const targets = [...new Set(ranges.map(({ target }) => target.name))].sort();
  const calls = targets.map((name, i) => {
    const [rotations, ordinals, owners] = [2, 3, 4].map((number) => `$${3 * i + number}`);
    return `select ${i} as target, asked.place::int as place, proof.outcome, proof.items
      from unnest(${rotations}::uuid[], ${ordinals}::int[], ${owners}::uuid[]) with ordinality asked(rotation, ordinal, lease, place)
        cross join lateral rekey.${escapeIdentifier(`prove_${name}`)}(asked.rotation, asked.ordinal, asked.lease, $1) proof`;
  });
  const byTarget = targets.map((name) => ranges.filter(({ target }) => target.name === name));
  const proofs = await prepared<{
    target: number;
    place: number;
    outcome: ProvedRange['kind'];
    items: string | null;
  }>(on, calls.join(' union all '), [
    stepItems,
    ...byTarget.flatMap((some) => [
      some.map(({ lease }) => lease.rotationId),
      some.map(({ lease }) => lease.ordinal),
      some.map(({ lease }) => lease.owner),
    ]),
  ]);
  return ranges.map((range) => {
    const target = targets.indexOf(range.target.name);
    const place = (byTarget[target]?.indexOf(range) ?? -1) + 1;
    const proof = proofs.find((one) => one.target === target && one.place === place);
    if (proof === undefined) return lost;
    return proof.outcome === 'left' ? { kind: 'left', items: Number(proof.items) } : { kind: proof.outcome };
  });
}
