import { noItems } from '@rekey/data';
import { type Queryable, row, rows, type Store } from '@rekey/db';
import { answerOf } from '../kept-answer.ts';
import { type UnusablePlan, usePlan } from '../plans.ts';
import {
  type Initiator,
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
} from '../rotation-view.ts';
import { claimIdempotencyKey, type IdempotencyKey, keepAnswer, keepOnly } from './idempotency-key.ts';
import { secondsUntilNextRotation } from './rotation-interval.ts';

export interface StartRotation {
  readonly rotationId: string;
  readonly newDekId: string;
  readonly tenantId: string;
  readonly initiatedBy: Initiator;
  readonly idempotency: IdempotencyKey | null;
  /** Why, in the words of who asked; kept with the event. */
  readonly reason?: string | undefined;
  /** Seconds that must lie between the tenant's last completed rotation and this one; none when absent. */
  readonly intervalSeconds?: number;
  /** The plan that it is started with: bound to it in the same transaction. */
  readonly planId?: string | undefined;
}

export type StartedRotation =
  | { readonly kind: 'started'; readonly view: RotationView; readonly answer: Uint8Array | null }
  | { readonly kind: 'replayed'; readonly answer: Uint8Array }
  | { readonly kind: 'idempotency_mismatch' }
  | { readonly kind: 'in_progress'; readonly rotationId: string }
  | { readonly kind: 'too_soon'; readonly retryAfterSeconds: number }
  | { readonly kind: 'unusable_plan'; readonly why: UnusablePlan }
  | { readonly kind: 'tenant_not_found' };

/**
 * Makes the durable row of a rotation, reserves the new DEK's identity (no material: this process holds no key),
 * counts and freezes what there is to rotate, and keeps the answer for replays: all of it, or nothing. At most one
 * unfinished rotation per tenant, by a unique index; a concurrent call with the same idempotency key waits for
 * this one and replays it. Without a key, an interval, a reason or a plan it is one statement.
 */
export async function startRotation(store: Store, call: StartRotation): Promise<StartedRotation> {
  const { idempotency, intervalSeconds = 0, reason, planId } = call;
  if (idempotency === null && intervalSeconds === 0 && reason === undefined && planId === undefined)
    return start(store, call);
  return keepOnly<StartedRotation>(
    store,
    ({ kind }) => kind === 'started',
    (tx) => startLocked(tx, call),
  );
}

async function startLocked(tx: Queryable, call: StartRotation): Promise<StartedRotation> {
  const { idempotency, intervalSeconds = 0 } = call;
  // As `rekey.start_rotation` does, but before the key is looked at: the calls of a tenant take turns.
  const { exists } = await row<{ exists: boolean }>(tx, 'select rekey.lock_tenant($1) as exists', [
    call.tenantId,
  ]);
  if (!exists) return { kind: 'tenant_not_found' };

  if (idempotency !== null) {
    const earlier = await claimIdempotencyKey(tx, idempotency, call.rotationId);
    if (earlier !== null) {
      return earlier.body_hash.equals(idempotency.bodyHash)
        ? { kind: 'replayed', answer: answerOf(earlier.response) }
        : { kind: 'idempotency_mismatch' };
    }
  }
  if (intervalSeconds > 0) {
    const seconds = await secondsUntilNextRotation(tx, call.tenantId, intervalSeconds);
    if (seconds > 0) return { kind: 'too_soon', retryAfterSeconds: seconds };
  }
  if (call.reason !== undefined) await row(tx, `select set_config('rekey.reason', $1, true)`, [call.reason]);
  const outcome = await start(tx, call);
  if (outcome.kind !== 'started') return outcome;
  const unusable = call.planId === undefined ? null : await usePlan(tx, call.planId, outcome.view);
  if (unusable !== null) return { kind: 'unusable_plan', why: unusable };
  if (idempotency === null) return outcome;
  return { ...outcome, answer: await keepAnswer(tx, idempotency, outcome.view) };
}

/** One statement, and so all of it or nothing. */
async function start(on: Queryable, call: StartRotation): Promise<StartedRotation> {
  const [unfinished] = await rows<RotationRow>(
    on,
    `select ${rotationColumns} from rekey.start_rotation($1, $2, $3, $4, $5)`,
    [
      call.rotationId,
      call.tenantId,
      call.newDekId,
      JSON.stringify(call.initiatedBy),
      JSON.stringify(noItems()),
    ],
  );
  if (unfinished === undefined) return { kind: 'tenant_not_found' };
  if (unfinished.id !== call.rotationId) return { kind: 'in_progress', rotationId: unfinished.id };
  return { kind: 'started', view: toView(unfinished), answer: null };
}
