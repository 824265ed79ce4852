import { type Queryable, row, rows } from '@rekey/db';
import { unattendedMs } from '@rekey/times';
import type { Initiator } from './initiator.ts';

export type RewrapStatus = 'in_progress' | 'paused' | 'completed' | 'completed_with_failures' | 'cancelled';

export interface RewrapView {
  readonly id: string;
  /** Null: of all tenants. */
  readonly tenantId: string | null;
  readonly kekName: string;
  readonly kekId: string;
  readonly status: RewrapStatus;
  readonly callsPerSecondMax: number;
  readonly forced: boolean;
  readonly initiatedBy: Initiator;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  /** Those that it was for when it began, and with those that came since. */
  readonly deksAtStart: number;
  readonly deks: number;
  readonly rewrapped: number;
  readonly setAside: number;
  readonly kmsCalls: number;
  readonly waitingFor: string | null;
  readonly waitingDetail: { readonly what: string; readonly since: string; readonly todo: string } | null;
  readonly fingerprintBefore: string | null;
  readonly fingerprintAfter: string | null;
}

interface RewrapRow {
  readonly id: string;
  readonly tenant_id: string | null;
  readonly kek_name: string;
  readonly kek_id: string;
  readonly status: RewrapStatus;
  readonly calls_per_second_max: number;
  readonly forced: boolean;
  readonly initiated_by: Initiator;
  readonly started_at: Date;
  readonly completed_at: Date | null;
  readonly deks_at_start: string;
  readonly deks: string;
  readonly rewrapped: string;
  readonly set_aside: string;
  readonly kms_calls: string;
  readonly waiting_for: string | null;
  readonly waiting_detail: RewrapView['waitingDetail'];
  readonly before: string | null;
  readonly after: string | null;
  readonly unattended: boolean;
}

const columns = `id, tenant_id, kek_name, kek_id, status, calls_per_second_max, forced, initiated_by, started_at, completed_at,
  deks_at_start, deks, rewrapped, set_aside, kms_calls, waiting_for, waiting_detail, encode(fingerprint_before, 'hex') as before,
  encode(fingerprint_after, 'hex') as after,
  status = 'in_progress' and heartbeat_at < clock_timestamp() - interval '${unattendedMs.waiting} milliseconds' as unattended`;

function toView(found: RewrapRow): RewrapView {
  return {
    id: found.id,
    tenantId: found.tenant_id,
    kekName: found.kek_name,
    kekId: found.kek_id,
    status: found.status,
    callsPerSecondMax: found.calls_per_second_max,
    forced: found.forced,
    initiatedBy: found.initiated_by,
    startedAt: found.started_at,
    completedAt: found.completed_at,
    deksAtStart: Number(found.deks_at_start),
    deks: Number(found.deks),
    rewrapped: Number(found.rewrapped),
    setAside: Number(found.set_aside),
    kmsCalls: Number(found.kms_calls),
    waitingFor: found.waiting_for ?? (found.unattended ? 'worker' : null),
    waitingDetail: found.waiting_detail,
    fingerprintBefore: found.before,
    fingerprintAfter: found.after,
  };
}

export interface StartRewrap {
  readonly rewrapId: string;
  /** Null: all tenants. */
  readonly tenantId: string | null;
  readonly kekName: string;
  readonly callsPerSecondMax: number;
  /** Whatever processes have not proved the KEK. */
  readonly force: boolean;
  readonly reason: string | null;
  readonly actor: Initiator;
  readonly idempotency: {
    readonly caller: string;
    readonly key: string;
    readonly bodyHash: Buffer;
  } | null;
}

export type StartedRewrap =
  | { readonly kind: 'started' | 'replayed'; readonly view: RewrapView }
  | { readonly kind: 'in_progress'; readonly rewrapId: string }
  | { readonly kind: 'mismatch' | 'tenant_not_found' | 'kek_not_found' | 'lacking' };

/** Begins a rewrap; a worker does it. See `rekey.start_rewrap`. */
export async function startRewrap(on: Queryable, call: StartRewrap): Promise<StartedRewrap> {
  const { outcome, rewrap_id: rewrapId } = await row<{
    outcome: StartedRewrap['kind'];
    rewrap_id: string;
  }>(on, 'select outcome, rewrap_id from rekey.start_rewrap($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    call.rewrapId,
    call.tenantId,
    call.kekName,
    call.callsPerSecondMax,
    call.force,
    call.reason,
    JSON.stringify(call.actor),
    call.idempotency?.caller ?? null,
    call.idempotency?.key ?? null,
    call.idempotency?.bodyHash ?? null,
  ]);
  if (outcome === 'in_progress') return { kind: outcome, rewrapId };
  if (outcome !== 'started' && outcome !== 'replayed') return { kind: outcome };
  const view = await findRewrap(on, rewrapId);
  if (view === null) throw new Error('a rewrap that has begun is not there');
  return { kind: outcome, view };
}

export async function findRewrap(on: Queryable, rewrapId: string): Promise<RewrapView | null> {
  const [found] = await rows<RewrapRow>(on, `select ${columns} from rekey.rewraps where id = $1`, [rewrapId]);
  return found === undefined ? null : toView(found);
}

/** The latest first, behind the one that `after` names; of one tenant, or with null all. */
export async function listRewraps(
  on: Queryable,
  tenantId: string | null,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<{ readonly rewraps: RewrapView[]; readonly next: string | null }> {
  const found = await rows<RewrapRow>(
    on,
    `select ${columns} from rekey.rewraps
     where ($1::uuid is null or tenant_id = $1)
       and ($2::uuid is null or (started_at, id) < (select r.started_at, r.id from rekey.rewraps r where r.id = $2))
     order by started_at desc, id desc limit $3`,
    [tenantId, after, limit + 1],
  );
  const page = found.slice(0, limit).map(toView);
  return { rewraps: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null };
}

export type SteeredRewrap =
  | { readonly kind: 'changed' | 'unchanged'; readonly view: RewrapView }
  | { readonly kind: 'finished' }
  | { readonly kind: 'not_found' };

/** Pauses, resumes or cancels it. Whoever works on it finds out before it writes. */
export async function steerRewrap(
  on: Queryable,
  rewrapId: string,
  wanted: 'paused' | 'in_progress' | 'cancelled',
  { actor, reason }: { readonly actor: Initiator; readonly reason: string | null },
): Promise<SteeredRewrap> {
  const { changed } = await row<{ changed: boolean }>(
    on,
    'select rekey.steer_rewrap($1, $2, $3, $4) as changed',
    [rewrapId, wanted, reason, JSON.stringify(actor)],
  );
  const view = await findRewrap(on, rewrapId);
  if (view === null) return { kind: 'not_found' };
  if (changed) return { kind: 'changed', view };
  return view.status === wanted ? { kind: 'unchanged', view } : { kind: 'finished' };
}
