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
  /** The registered name of the KEK that the new DEK is to be wrapped under. */
  readonly kek?: string | undefined;
  /** Whatever processes have not proved that KEK. */
  readonly force?: boolean;
  /** Because the tenant's active DEK is compromised: replaces a rotation that runs, unless that is for such a reason too. */
  readonly compromise?: boolean | undefined;
  /** With `compromise`: the DEK that has to be the active one. */
  readonly activeDekId?: string;
}

/** Whoever has no snapshots publishes none: who follows a rotation asks Postgres then. */
type RotationDependencies = Pick<CommandDependencies, 'store' | 'ticketQueue'> &
  Partial<Pick<CommandDependencies, 'snapshots'>>;

/** Starts the rotation of a tenant's DEK. Resolves once it is durable and its ticket is in the queue, or will not be soon. */
export async function startRotation(
  { store, snapshots, ticketQueue }: RotationDependencies,
  actor: Actor,
  {
    tenantId,
    reason,
    intervalSeconds = 0,
    idempotency,
    planId,
    kek,
    force = false,
    compromise = false,
    activeDekId,
  }: StartRotation,
): Promise<StartedRotation> {
  const outcome = await start(store, {
    rotationId: randomUUID(),
    newDekId: randomUUID(),
    tenantId,
    initiatedBy: actor,
    reason,
    idempotency: idempotency ?? null,
    intervalSeconds: compromise ? 0 : intervalSeconds,
    planId,
    kek,
    force,
    compromise,
    ...(activeDekId === undefined ? {} : { activeDekId }),
  });
  if (outcome.kind !== 'started') return outcome;
  const { view, superseded } = outcome;
  const rotation = { rotationId: view.id, tenantId: view.tenantId };
  // Whoever follows the one that was replaced hears of its end.
  if (superseded !== null) {
    const { view: ended, version } = superseded;
    void snapshots?.publish({
      rotationId: ended.id,
      tenantId: ended.tenantId,
      version,
      final: true,
      view: ended,
    });
  }
  // So that polling begins at Redis. Not waited for: Postgres knows as much.
  void snapshots?.publish({ ...rotation, version: 0, final: false, view });
  await ticketQueue.enqueue(compromise ? { ...rotation, compromise } : rotation);
  return outcome;
}
