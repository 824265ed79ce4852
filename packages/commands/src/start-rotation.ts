import { randomUUID } from 'node:crypto';
import { type IdempotencyKey, type StartedRotation, startRotation as start } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { StartedRotation };

export interface StartRotation {
  readonly tenantId: string;
  /** Why, in the words of who asked. */
  readonly reason?: string | undefined;
  /** Seconds that must lie between the tenant's last completed rotation and this one; none when absent. */
  readonly intervalSeconds?: number;
  /** Of a call that may come again, and is then to be answered as it was. */
  readonly idempotency?: IdempotencyKey;
  /** The plan that it is started with. */
  readonly planId?: string | undefined;
}

/** Starts the rotation of a tenant's DEK. Resolves once it is durable and its ticket is in the queue, or will not be soon. */
export async function startRotation(
  { store, snapshots, ticketQueue }: CommandDependencies,
  actor: Actor,
  { tenantId, reason, intervalSeconds = 0, idempotency, planId }: StartRotation,
): Promise<StartedRotation> {
  const outcome = await start(store, {
    rotationId: randomUUID(),
    newDekId: randomUUID(),
    tenantId,
    initiatedBy: actor,
    reason,
    idempotency: idempotency ?? null,
    intervalSeconds,
    planId,
  });
  if (outcome.kind !== 'started') return outcome;
  const { view } = outcome;
  const rotation = { rotationId: view.id, tenantId: view.tenantId };
  // So that polling begins at Redis. Not waited for: Postgres knows as much.
  void snapshots.publish({ ...rotation, version: 0, final: false, view });
  await ticketQueue.enqueue(rotation);
  return outcome;
}
