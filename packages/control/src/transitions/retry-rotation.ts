import { type Queryable, row, type Store } from '@rekey/db';
import { answerOf } from '../kept-answer.ts';
import { type RotationRow, rotationColumns, toView } from '../rotation-view.ts';
import { claimIdempotencyKey, type IdempotencyKey, keepAnswer, keepOnly } from './idempotency-key.ts';
import type { SteeredRotation, Steering } from './steered.ts';

export interface RetryRotation extends Steering {
  /** Of the new rotation. */
  readonly rotationId: string;
  /** Of the one whose left-overs it is to sweep, and whose that is. */
  readonly earlierId: string;
  readonly tenantId: string;
  readonly idempotency: IdempotencyKey | null;
}

/**
 * As of the other ways to steer; the rotation is the retry, but of `finished` the earlier one, which left nothing. `answer`: to
 * be given to the caller as it is.
 * - `in_progress`: the earlier one has not ended, or another one of its tenant runs.
 * - `superseded`: the tenant's active DEK is not the one that the earlier rotation switched to, if it ever switched.
 */
export type RetriedRotation =
  | (Extract<SteeredRotation, { kind: 'changed' | 'unchanged' }> & { readonly answer: Uint8Array | null })
  | Extract<SteeredRotation, { kind: 'finished' | 'not_found' }>
  | { readonly kind: 'in_progress'; readonly rotationId: string }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'replayed'; readonly answer: Uint8Array }
  | { readonly kind: 'idempotency_mismatch' };

/**
 * Begins a new rotation that sweeps what an earlier one left to the DEK that was switched to then: no new DEK, no switch, the
 * same proof. Asked again while that runs, or once it has left nothing, it is the answer.
 */
export function retryRotation(store: Store, call: RetryRotation): Promise<RetriedRotation> {
  return keepOnly<RetriedRotation>(
    store,
    ({ kind }) => kind === 'changed' || kind === 'unchanged',
    (tx) => retryOnce(tx, call),
  );
}

async function retryOnce(tx: Queryable, call: RetryRotation): Promise<RetriedRotation> {
  const { idempotency, earlierId, tenantId } = call;
  if (idempotency === null) return retry(tx, call);
  // In the order of a call that starts one: the calls of a tenant take turns.
  await row(tx, 'select rekey.lock_tenant($1)', [tenantId]);
  const kept = await claimIdempotencyKey(tx, idempotency, earlierId);
  if (kept !== null)
    return kept.body_hash.equals(idempotency.bodyHash)
      ? { kind: 'replayed', answer: answerOf(kept.response) }
      : { kind: 'idempotency_mismatch' };
  const outcome = await retry(tx, call);
  return outcome.kind === 'changed' || outcome.kind === 'unchanged'
    ? { ...outcome, answer: await keepAnswer(tx, idempotency, outcome.view) }
    : outcome;
}

async function retry(tx: Queryable, call: RetryRotation): Promise<RetriedRotation> {
  const { outcome, rotation_id: rotationId } = await row<{
    outcome: Exclude<RetriedRotation['kind'], 'replayed' | 'idempotency_mismatch'>;
    rotation_id: string;
  }>(tx, 'select outcome, rotation_id from rekey.retry_rotation($1, $2, $3, $4)', [
    call.rotationId,
    call.earlierId,
    JSON.stringify(call.actor),
    call.reason,
  ]);
  if (outcome === 'not_found' || outcome === 'superseded') return { kind: outcome };
  if (outcome === 'in_progress') return { kind: outcome, rotationId };
  const found = await row<RotationRow>(tx, `select ${rotationColumns} from rekey.rotations where id = $1`, [
    rotationId,
  ]);
  const view = toView(found);
  if (outcome === 'finished') return { kind: outcome, view };
  return { kind: outcome, view, version: Number(found.version), answer: null };
}
