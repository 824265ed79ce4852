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
  const [proof] = await prepared<{ outcome: ProvedRange['kind']; items: string | null }>(
    on,
    `select outcome, items from rekey.${escapeIdentifier(`prove_${target.name}`)}($1, $2, $3, $4)`,
    [lease.rotationId, lease.ordinal, lease.owner, stepItems],
  );
  const kind = proof?.outcome ?? 'lost';
  return kind === 'left' ? { kind, items: Number(proof?.items) } : { kind };
}
