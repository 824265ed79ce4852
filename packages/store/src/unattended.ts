import { type Queryable, rows } from './open-store.ts';
import { planIsComplete } from './plan-ranges.ts';
import { leaseMs, type RangeId } from './range-lease.ts';

export interface Unattended {
  readonly rotations: Array<{ rotationId: string; tenantId: string }>;
  readonly ranges: RangeId[];
}

/** How long a rotation may be silent. A job in the queue costs nothing to add again, so this may be short. */
const silentMs = 3_000;

/**
 * Unfinished work that nobody gives a sign of life for, by the database's clock. It may still have a job: adding
 * one again under the same id is a no-op, so this errs towards adding. At most `limit` of each kind, at random, so
 * that several workers do not all take the same.
 */
export async function findUnattended(on: Queryable, limit = 200): Promise<Unattended> {
  const rotations = await rows<{ id: string; tenant_id: string }>(
    on,
    `select id, tenant_id from rekey.rotations r
     where status = 'in_progress' and coalesce(heartbeat_at, started_at) < now() - make_interval(secs => $1 / 1000.0)
       and (phase in ('queued', 'activating') or not (${planIsComplete('r.id')})
         or not exists (select from rekey.rotation_ranges g where g.rotation_id = r.id and g.proved_at is null))
     order by random() limit $2`,
    [silentMs, limit],
  );
  const ranges = await rows<{ rotation_id: string; target: string; ordinal: number }>(
    on,
    `select g.rotation_id, g.target, g.ordinal
     from rekey.rotations r join rekey.rotation_ranges g on g.rotation_id = r.id
     where r.status = 'in_progress' and g.proved_at is null
       and (g.heartbeat_at < now() - make_interval(secs => $2 / 1000.0)
         or (g.owner is null and coalesce(r.heartbeat_at, r.started_at) < now() - make_interval(secs => $1 / 1000.0)))
     order by random() limit $3`,
    [silentMs, leaseMs, limit],
  );
  return {
    rotations: rotations.map(({ id, tenant_id }) => ({ rotationId: id, tenantId: tenant_id })),
    ranges: ranges.map(({ rotation_id, target, ordinal }) => ({ rotationId: rotation_id, target, ordinal })),
  };
}
