import { planIsComplete } from '@rekey/data';
import { prepared, type Queryable, row, rows, type Store } from '@rekey/db';
import { askWhileWaiting } from './ask-while-waiting.ts';
import type { KeyState } from './keys.ts';
import type { Steering } from './transitions/steered.ts';

/**
 * Declares a DEK that is out of use compromised: no transaction writes under it from then on, and who holds it is ended after a
 * while. The state that it was in: only `deactivated` was changed. Null: there is none.
 */
export async function declareCompromised(
  on: Queryable,
  dekId: string,
  { actor, reason }: Steering,
): Promise<KeyState | null> {
  const { before } = await row<{ before: KeyState | null }>(
    on,
    'select rekey.declare_compromised($1, $2, $3) as before',
    [dekId, reason, JSON.stringify(actor)],
  );
  return before;
}

/** A compromised DEK that transactions still hold. */
interface HeldCompromised {
  readonly dekId: string;
  readonly tenantId: string;
  /** By which it was declared, if by one. */
  readonly rotationId: string | null;
  /** Until they may be ended. */
  readonly patienceMs: number;
}

export async function findHeldCompromised(on: Queryable): Promise<HeldCompromised[]> {
  const found = await prepared<{
    dek_id: string;
    tenant_id: string;
    rotation_id: string | null;
    patience_ms: number;
  }>(on, 'select dek_id, tenant_id, rotation_id, patience_ms from rekey.compromised_and_held()', []);
  return found.map((held) => ({
    dekId: held.dek_id,
    tenantId: held.tenant_id,
    rotationId: held.rotation_id,
    patienceMs: held.patience_ms,
  }));
}

/** A transaction that held a compromised DEK when its time was over. */
export interface EndedHolder {
  /** Null for a prepared transaction, which is not ended. */
  readonly pid: number | null;
  readonly gid: string | null;
  readonly applicationName: string | null;
  readonly role: string | null;
  /** False: the owner of the schema may not end that session. */
  readonly ended: boolean;
}

/** A session that was ended takes a moment to go. */
const roundsMax = 64;

/**
 * Ends the sessions that hold a compromised DEK for longer than the installation has patience: while one session waits for
 * those who hold a lock row of it, another one, of `asking`, has the database end whom it waits for; row by row.
 */
export async function endHolders(store: Store, dekId: string, asking: Store): Promise<EndedHolder[]> {
  const met = new Map<string, EndedHolder>();
  let behind = -1;
  for (let round = 0; round < roundsMax; round += 1) {
    const wait = { text: 'select rekey.wait_for_dek($1, $2)', values: [dekId, behind] };
    const found = await askWhileWaiting(store, wait, (pid) => endWhomItWaitsFor(asking, dekId, pid));
    if (found.length === 0) break;
    for (const { slot, ...holder } of found) {
      met.set(`${holder.pid ?? holder.gid}`, holder);
      // Nobody can be ended who is in the way of a look at those behind.
      if (!found.some(({ ended }) => ended)) behind = slot;
    }
  }
  return [...met.values()];
}

async function endWhomItWaitsFor(
  on: Queryable,
  dekId: string,
  pid: number,
): Promise<Array<EndedHolder & { readonly slot: number }>> {
  const found = await rows<{
    slot: number;
    pid: number | null;
    gid: string | null;
    application_name: string | null;
    role_name: string | null;
    ended: boolean;
  }>(on, 'select slot, pid, gid, application_name, role_name, ended from rekey.end_holders($1, $2)', [
    dekId,
    pid,
  ]);
  return found.map(({ application_name: applicationName, role_name: role, ...holder }) => ({
    ...holder,
    applicationName,
    role,
  }));
}

/**
 * From the one after so many within an hour on, a tenant's rotations because of a compromised key come first in the queue and
 * hold up nobody: else whoever may call for them of one tenant could keep the rotations of all others from going on.
 */
const holdingUpPerHour = 3;

/**
 * Whether there is work of `r` that a worker could do. What a rotation waits for is told as soon as one of its ranges waits: of a
 * large one the first is swept, and left to whoever holds the old key, while all others are still to be swept.
 */
const hasWork = `(r.waiting_for is null
  or r.waiting_for = 'lock' and not (${planIsComplete('r.id')})
  or r.waiting_for in ('lock', 'database') and exists (select from rekey.rotation_ranges g
    where g.rotation_id = r.id and g.proved_at is null and g.waiting_for is null
      and not (g.swept and g.owner is null
        and exists (select from rekey.dek_drains h where h.tenant_id = r.tenant_id))))`;

/**
 * Whether a rotation because of a compromised key is under way that whatever is not gives way to. One that waits for
 * something in all of its parts, or that nobody has worked on for a while, holds up nobody; one that nobody has taken up yet may
 * be waiting for just that place.
 */
export async function isCompromiseUnderWay(
  on: Queryable,
  { silentAfterMs, queuedAfterMs }: { readonly silentAfterMs: number; readonly queuedAfterMs: number },
): Promise<boolean> {
  const [found] = await prepared<{ under_way: boolean }>(
    on,
    `select exists (select from rekey.rotations r
       where r.compromise and r.status = 'in_progress' and ${hasWork}
         and coalesce(r.heartbeat_at, r.started_at) > clock_timestamp()
           - make_interval(secs => case r.phase when 'queued' then $2::float8 else $1::float8 end / 1000)
         and (select count(*) from (select from rekey.rotations o
           where o.tenant_id = r.tenant_id and o.compromise and o.started_at > r.started_at - interval '1 hour'
           limit $3::integer + 1) o) <= $3) as under_way`,
    [silentAfterMs, queuedAfterMs, holdingUpPerHour],
  );
  return found?.under_way === true;
}
