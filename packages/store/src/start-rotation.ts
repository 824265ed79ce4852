import type { PoolClient } from 'pg';
import { inTransaction, type Queryable, row, rows, type Store } from './open-store.ts';
import {
  type Initiator,
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
} from './rotation-view.ts';
import { noItems } from './targets.ts';
import { estimatedDuration } from './throughput.ts';

export interface StartRotation {
  readonly rotationId: string;
  readonly newDekId: string;
  readonly tenantId: string;
  readonly initiatedBy: Initiator;
  readonly idempotency: IdempotencyKey | null;
  /** The exact body of the answer; kept with the idempotency key, so that a replay is the same to the byte. */
  readonly render: (view: RotationView) => string;
}

export interface IdempotencyKey {
  readonly caller: string;
  readonly key: string;
  readonly bodyHash: Buffer;
}

export type StartedRotation =
  | { readonly kind: 'started'; readonly body: string; readonly view: RotationView }
  | { readonly kind: 'replayed'; readonly body: string }
  | { readonly kind: 'idempotency_mismatch' }
  | { readonly kind: 'in_progress'; readonly rotationId: string }
  | { readonly kind: 'tenant_not_found' };

/**
 * Makes the durable row of a rotation, reserves the new DEK's identity (no material: this process holds no key),
 * counts and freezes what there is to rotate, and keeps the answer for replays: all of it, or nothing. At most one
 * unfinished rotation per tenant, by a unique index; a concurrent call with the same idempotency key waits for
 * this one and replays it.
 */
export async function startRotation(store: Store, call: StartRotation): Promise<StartedRotation> {
  let outcome: StartedRotation | undefined;
  await inTransaction(store, async (tx) => {
    outcome = await attempt(tx, call);
    if (outcome.kind !== 'started') throw new NothingToKeep();
  }).catch((error: unknown) => {
    if (!(error instanceof NothingToKeep)) throw error;
  });
  if (outcome === undefined) throw new Error('a transaction committed without an outcome');
  return outcome;
}

/** Rolls the transaction back without being an error to the caller. */
class NothingToKeep extends Error {}

async function attempt(tx: PoolClient, call: StartRotation): Promise<StartedRotation> {
  // The tenant's row orders concurrent calls, so that each sees what the one before it committed.
  const tenant = await rows(tx, 'select from rekey.tenants where id = $1 for no key update', [call.tenantId]);
  if (tenant.length === 0) return { kind: 'tenant_not_found' };

  if (call.idempotency !== null) {
    const earlier = await claimIdempotencyKey(tx, call.idempotency, call.rotationId);
    if (earlier !== null) {
      return earlier.body_hash.equals(call.idempotency.bodyHash)
        ? { kind: 'replayed', body: earlier.response }
        : { kind: 'idempotency_mismatch' };
    }
  }

  const inserted = await insertRotation(tx, call);
  if (inserted.kind === 'in_progress') return inserted;
  const view = toView(inserted.rotation);
  const body = call.render(view);
  if (call.idempotency !== null) {
    await tx.query('update rekey.idempotency_keys set response = $3 where caller = $1 and key = $2', [
      call.idempotency.caller,
      call.idempotency.key,
      body,
    ]);
  }
  return { kind: 'started', body, view };
}

/** Deletes keys that are not honoured any more, some at a time. */
export async function forgetIdempotencyKeys(on: Queryable): Promise<void> {
  await rows(
    on,
    `delete from rekey.idempotency_keys where (caller, key) in (
       select caller, key from rekey.idempotency_keys
       where created_at < now() - interval '25 hours' order by created_at limit 1000 for update skip locked)`,
  );
}

interface KeptAnswer {
  readonly body_hash: Buffer;
  readonly response: string;
}

/** Null when the key is ours now; else what it was used for. Waits for a concurrent call with the same key. */
async function claimIdempotencyKey(
  tx: PoolClient,
  { caller, key, bodyHash }: IdempotencyKey,
  rotationId: string,
): Promise<KeptAnswer | null> {
  await tx.query(
    `delete from rekey.idempotency_keys where caller = $1 and key = $2 and created_at < now() - interval '24 hours'`,
    [caller, key],
  );
  const claimed = await rows(
    tx,
    `insert into rekey.idempotency_keys (caller, key, body_hash, rotation_id, response)
     values ($1, $2, $3, $4, '') on conflict do nothing returning 1`,
    [caller, key, bodyHash, rotationId],
  );
  if (claimed.length === 1) return null;
  return row<{ body_hash: Buffer; response: string }>(
    tx,
    'select body_hash, response from rekey.idempotency_keys where caller = $1 and key = $2',
    [caller, key],
  );
}

type InsertedRotation =
  | { readonly kind: 'inserted'; readonly rotation: RotationRow }
  | { readonly kind: 'in_progress'; readonly rotationId: string };

/**
 * The rotation's row and that of its new DEK, in one statement. Nothing is sealed under a DEK that is reserved just
 * now, so all of the tenant's records count.
 */
async function insertRotation(tx: PoolClient, call: StartRotation): Promise<InsertedRotation> {
  for (;;) {
    const [rotation] = await rows<RotationRow>(
      tx,
      `with counted as materialized (
         select t.item_type,
           sum(coalesce((select c.records from rekey.record_counts c
               where c.tenant_id = $2 and c.target = t.name), 0)
             + coalesce((select sum(d.delta) from rekey.record_deltas d
               where d.tenant_id = $2 and d.target = t.name), 0)) as records
         from rekey.targets t where t.retired_at is null group by t.item_type),
       inserted as (
         insert into rekey.rotations
           (id, tenant_id, previous_dek_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion)
         select $1, $2, (select id from rekey.deks where tenant_id = $2 and state = 'active'), $3,
           $5::jsonb || (select coalesce(jsonb_object_agg(item_type, records), '{}') from counted), $4,
           now() + ${estimatedDuration('(select coalesce(sum(records), 0) from counted)')}
         on conflict (tenant_id) where status in ('in_progress', 'paused') do nothing returning ${rotationColumns}),
       reserved as (
         insert into rekey.deks (id, tenant_id, key_number, state)
         select $3, $2, (select coalesce(max(key_number), 0) + 1 from rekey.deks where tenant_id = $2), 'pre_active'
         from inserted)
       select * from inserted`,
      [
        call.rotationId,
        call.tenantId,
        call.newDekId,
        JSON.stringify(call.initiatedBy),
        JSON.stringify(noItems()),
      ],
    );
    if (rotation !== undefined) return { kind: 'inserted', rotation };
    const [unfinished] = await rows<{ id: string }>(
      tx,
      `select id from rekey.rotations where tenant_id = $1 and status in ('in_progress', 'paused')`,
      [call.tenantId],
    );
    if (unfinished !== undefined) return { kind: 'in_progress', rotationId: unfinished.id };
    // It finished between the two statements: the place is free now.
  }
}
