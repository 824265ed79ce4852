import { planIsComplete, type RangeId, silentForMs } from '@rekey/data';
import { type Queryable, rows } from '@rekey/db';
import { kekSuspendedMs, leaseMs, overdueMs, silentMs } from '@rekey/times';

export interface Unattended {
  /** `compromise`: to be served before those that are not. */
  readonly rotations: Array<{ rotationId: string; tenantId: string; compromise: boolean }>;
  readonly ranges: Array<RangeId & { compromise: boolean }>;
  /** Those of them that are silent for longer than any back-off: what their jobs wait for will not come. */
  readonly overdue: { readonly rotations: Unattended['rotations']; readonly ranges: Unattended['ranges'] };
}

/** A job that is put off for long since the KMS refuses the KEK is not lost. */
function overdueAfter(otherwiseMs: string, suspendedMs: string): string {
  return `(case when r.waiting_for = 'kek_suspended' then ${suspendedMs}::float8 else ${otherwiseMs}::float8 end)`;
}

/** Its windows are; while they are closed nobody is to work on it. */
const isOpen = 'coalesce(r.window_opens_at <= clock_timestamp(), true)';

/**
 * Unfinished work without a heartbeat, by the database's clock. It may still have a job that waits for
 * a free worker; this cannot tell. At most `limit` of each kind, those that are because of a compromised
 * key first, then at random, so that each has its turn among more.
 */
export async function findUnattended(on: Queryable, limit = 1_000): Promise<Unattended> {
  const rotations = await rows<{ id: string; tenant_id: string; compromise: boolean; overdue: boolean }>(
    on,
    `select id, tenant_id, compromise,
       ${silentForMs(overdueAfter('$3', '$4'), 'coalesce(r.heartbeat_at, r.started_at)')} as overdue
     from rekey.rotations r
     where status = 'in_progress' and ${isOpen} and ${silentForMs('$1', 'coalesce(heartbeat_at, started_at)')}
       and (phase in ('queued', 'activating') or not (${planIsComplete('r.id')})
         or not exists (select from rekey.rotation_ranges g where g.rotation_id = r.id and g.proved_at is null))
     order by compromise desc, random() limit $2`,
    [silentMs, limit, overdueMs, kekSuspendedMs.overdue],
  );
  const ranges = await rows<{
    rotation_id: string;
    target: string;
    ordinal: number;
    compromise: boolean;
    overdue: boolean;
  }>(
    on,
    `select g.rotation_id, g.target, g.ordinal, r.compromise,
       ${silentForMs(overdueAfter('$4', '$5'), 'coalesce(r.heartbeat_at, r.started_at)')} as overdue
     from rekey.rotations r join rekey.rotation_ranges g on g.rotation_id = r.id
     where r.status = 'in_progress' and ${isOpen} and g.proved_at is null
       and not (g.swept and exists (select from rekey.dek_drains h where h.tenant_id = r.tenant_id))
       and (${silentForMs('$2', 'g.heartbeat_at')}
         or (g.owner is null and ${silentForMs('$1', 'coalesce(r.heartbeat_at, r.started_at)')}))
     order by r.compromise desc, random() limit $3`,
    [silentMs, leaseMs, limit, overdueMs, kekSuspendedMs.overdue],
  );
  const tickets = rotations.map(({ id, tenant_id, compromise, overdue }) => ({
    overdue,
    ticket: { rotationId: id, tenantId: tenant_id, compromise },
  }));
  const rangeTickets = ranges.map(({ rotation_id, target, ordinal, compromise, overdue }) => ({
    overdue,
    ticket: { rotationId: rotation_id, target, ordinal, compromise },
  }));
  return {
    rotations: tickets.map(({ ticket }) => ticket),
    ranges: rangeTickets.map(({ ticket }) => ticket),
    overdue: {
      rotations: tickets.filter(({ overdue }) => overdue).map(({ ticket }) => ticket),
      ranges: rangeTickets.filter(({ overdue }) => overdue).map(({ ticket }) => ticket),
    },
  };
}
