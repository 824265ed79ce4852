import { noItems } from '@rekey/data';
import { prepared, type Queryable, row, rows, type Store } from '@rekey/db';
import type { Snapshot } from '../beat.ts';
import { isCompromisedKek } from '../kek-compromises.ts';
import { findKekId, findLacking, type LackingProcess } from '../keks.ts';
import { answerOf } from '../kept-answer.ts';
import { type UnusablePlan, usePlan } from '../plans.ts';
import {
  type Initiator,
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
} from '../rotation-view.ts';
import { pausedFirst, supersedeRotation } from './close-rotation.ts';
import { claimIdempotencyKey, type IdempotencyKey, keepAnswer, keepOnly } from './idempotency-key.ts';
import { secondsUntilNextRotation } from './rotation-interval.ts';
import { unfinished } from './states.ts';

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
  /** The registered name of the KEK that the new DEK is to be wrapped under; absent: what wraps the tenant's. */
  readonly kek?: string | undefined;
  /** Whatever processes have not proved that KEK: they will not be able to use the new DEK. */
  readonly force?: boolean;
  /** Because the active DEK is compromised: an ordinary rotation that runs is replaced. */
  readonly compromise?: boolean;
  /** With `compromise`: the DEK that has to be the active one. */
  readonly activeDekId?: string;
}

export type StartedRotation =
  | {
      readonly kind: 'started';
      readonly view: RotationView;
      readonly answer: Uint8Array | null;
      /** The one whose place it took, as that ended. */
      readonly superseded: Snapshot | null;
    }
  | { readonly kind: 'replayed'; readonly answer: Uint8Array }
  | { readonly kind: 'idempotency_mismatch' }
  | { readonly kind: 'in_progress'; readonly rotationId: string }
  | { readonly kind: 'too_soon'; readonly retryAfterSeconds: number }
  | { readonly kind: 'unusable_plan'; readonly why: UnusablePlan }
  | { readonly kind: 'tenant_not_found' }
  | { readonly kind: 'kek_not_found' }
  | { readonly kind: 'kek_lacking'; readonly lacking: readonly LackingProcess[] }
  /** The DEK that was named is not the active one any more. */
  | { readonly kind: 'not_active' };

/**
 * Makes the durable row of a rotation, reserves the new DEK's identity (no material: this process holds no key),
 * counts and freezes what there is to rotate, and keeps the answer for replays: all of it, or nothing. At most one
 * unfinished rotation per tenant, by a unique index; a concurrent call with the same idempotency key waits for
 * this one and replays it. Of an ordinary one without a key, an interval, a reason or a plan it is one statement.
 */
export async function startRotation(store: Store, call: StartRotation): Promise<StartedRotation> {
  const { idempotency, intervalSeconds = 0, reason, planId, kek, compromise = false } = call;
  const isPlain = reason === undefined && planId === undefined && kek === undefined && !compromise;
  if (idempotency === null && intervalSeconds === 0 && isPlain) return start(store, call, null);
  const inTheWay: InTheWay = { rotationId: null };
  return pausedFirst(
    store,
    () => inTheWay.rotationId,
    { actor: call.initiatedBy, reason: reason ?? null },
    () =>
      keepOnly<StartedRotation>(
        store,
        ({ kind }) => kind === 'started',
        (tx) => startLocked(tx, call, inTheWay),
      ),
  );
}

/** The rotation that is being cancelled for this one, while it is. */
interface InTheWay {
  rotationId: string | null;
}

async function startLocked(tx: Queryable, call: StartRotation, inTheWay: InTheWay): Promise<StartedRotation> {
  const { idempotency, intervalSeconds = 0, compromise = false, activeDekId, kek, force = false } = call;
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
  if (activeDekId !== undefined && !(await isActive(tx, activeDekId))) return { kind: 'not_active' };
  const kekId = kek === undefined ? null : await findKekId(tx, kek);
  if (kek !== undefined && kekId === null) return { kind: 'kek_not_found' };
  if (kekId !== null && !force && (await isCompromisedKek(tx, kekId)))
    return { kind: 'kek_lacking', lacking: [] };
  const lacking = kekId === null || force ? [] : await findLacking(tx, kekId);
  if (lacking.length > 0) return { kind: 'kek_lacking', lacking };
  if (call.reason !== undefined) await row(tx, `select set_config('rekey.reason', $1, true)`, [call.reason]);
  if (compromise) return startInPlace(tx, call, kekId, inTheWay);
  if (intervalSeconds > 0) {
    const seconds = await secondsUntilNextRotation(tx, call.tenantId, intervalSeconds);
    if (seconds > 0) return { kind: 'too_soon', retryAfterSeconds: seconds };
  }
  return keeping(tx, call, await start(tx, call, kekId));
}

/** Binds the plan and keeps the answer, where there are such. */
async function keeping(
  tx: Queryable,
  { idempotency, planId }: StartRotation,
  outcome: StartedRotation,
): Promise<StartedRotation> {
  if (outcome.kind !== 'started') return outcome;
  const unusable = planId === undefined ? null : await usePlan(tx, planId, outcome.view);
  if (unusable !== null) return { kind: 'unusable_plan', why: unusable };
  if (idempotency === null) return outcome;
  return { ...outcome, answer: await keepAnswer(tx, idempotency, outcome.view) };
}

/** Cancels the ordinary rotation in its way, if there is one, and begins: nobody sees the tenant without either. */
async function startInPlace(
  tx: Queryable,
  call: StartRotation,
  kekId: string | null,
  inTheWay: InTheWay,
): Promise<StartedRotation> {
  const [running] = await rows<{ id: string }>(
    tx,
    `select id from rekey.rotations where tenant_id = $1 and ${unfinished}`,
    [call.tenantId],
  );
  inTheWay.rotationId = running?.id ?? null;
  const superseded =
    running === undefined ? null : await supersedeRotation(tx, running.id, call.rotationId, call.initiatedBy);
  inTheWay.rotationId = null;
  if (superseded === 'compromise') return { kind: 'in_progress', rotationId: running?.id ?? '' };
  const outcome = await start(tx, call, kekId);
  if (outcome.kind !== 'started') return keeping(tx, call, outcome);
  // The rotation that ran may have switched since that was looked at. What was done here is undone.
  const { previousDekId } = outcome.view;
  if (call.activeDekId !== undefined && previousDekId !== call.activeDekId) return { kind: 'not_active' };
  return keeping(tx, call, { ...outcome, superseded });
}

async function isActive(tx: Queryable, dekId: string): Promise<boolean> {
  const found = await rows(tx, `select from rekey.deks where id = $1 and state = 'active'`, [dekId]);
  return found.length > 0;
}

/** One statement, and so all of it or nothing. */
async function start(on: Queryable, call: StartRotation, kekId: string | null): Promise<StartedRotation> {
  const [started] = await prepared<RotationRow>(
    on,
    `select ${rotationColumns} from rekey.begin_rotation($1, $2, $3, $4, $5, $6, $7)`,
    [
      call.rotationId,
      call.tenantId,
      call.newDekId,
      JSON.stringify(call.initiatedBy),
      JSON.stringify(noItems()),
      call.compromise ?? false,
      kekId,
    ],
  );
  if (started === undefined) return { kind: 'tenant_not_found' };
  if (started.id !== call.rotationId) return { kind: 'in_progress', rotationId: started.id };
  return { kind: 'started', view: toView(started), answer: null, superseded: null };
}
