import { type ItemCounts, type ItemType, inOrder, noItems, rangeItems } from '@rekey/data';
import { prepared, type Queryable, row, rows } from '@rekey/db';
import { unattendedMs } from '@rekey/times';
import type { Initiator } from './initiator.ts';

export const planChecks = ['none', 'sample', 'all'] as const;
/** Which records a plan opens. */
export type PlanCheck = (typeof planChecks)[number];

/** Both ends belong to it. */
export interface Between {
  readonly low: number;
  readonly high: number;
}

/** By what it was estimated: what rotations took here, or rates of other machines, because none was like it yet. */
export type EstimatedBy = 'measured' | 'assumed';

export interface PlanEstimate {
  /** From the call to the end, with what stands before it. */
  readonly seconds: Between & { readonly by: EstimatedBy };
  readonly walBytes: Between & { readonly by: EstimatedBy };
  readonly kmsCalls: Between;
  readonly queue: PlanQueue;
  /** Null: no record was opened. */
  readonly opened: OpenedRecords | null;
}

/** What opening records has shown. */
export interface OpenedRecords {
  readonly records: number;
  readonly notOpening: NotOpening;
  /** Of all the tenant's records so many will not open at most. */
  readonly atMost: number;
  /** How sure that is, up to 1. */
  readonly confidence: number;
}

export interface PlanQueue {
  readonly running: number;
  readonly waiting: number;
  readonly itemsAhead: number;
}

/** Of records that were opened: reasons, with how many. */
type NotOpening = Readonly<Record<string, number>>;

/** How far a plan's worker is, and what it has found: kept in Postgres, so that another one goes on from there. */
export interface PlanProgress {
  /** First every record's size is read, then those are opened that are to be; then nothing is left. */
  readonly step: 'sizes' | 'opening' | 'done';
  /** Null: the step's first target. */
  readonly target: string | null;
  /** The last id that was looked at in it. */
  readonly after: string | null;
  readonly records: number;
  readonly bytes: number;
  /** Of DEKs that records are under. */
  readonly keyNumbers: readonly number[];
  readonly opened: number;
  readonly notOpening: NotOpening;
}

interface PlannedTarget {
  readonly name: string;
  readonly itemType: ItemType;
  readonly records: number;
  readonly ranges: number;
}

export interface PlanView {
  readonly id: string;
  readonly tenantId: string;
  readonly check: PlanCheck;
  readonly status: 'in_progress' | 'completed' | 'failed';
  readonly seed: number;
  readonly initiatedBy: Initiator;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
  readonly expiresAt: Date;
  readonly items: ItemCounts;
  readonly targets: readonly PlannedTarget[];
  /** Null: nobody has begun. */
  readonly progress: PlanProgress | null;
  readonly estimate: PlanEstimate | null;
  readonly waitingFor: string | null;
  readonly waitingDetail: {
    readonly what: string;
    readonly since: string | null;
    readonly todo: string;
  } | null;
  readonly rotationId: string | null;
  /** What that rotation took. */
  readonly kmsCalls: number;
  /** Null: it has not ended. */
  readonly walBytes: number | null;
}

interface PlanRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly check_kind: PlanCheck;
  readonly status: PlanView['status'];
  readonly seed: string;
  readonly initiated_by: Initiator;
  readonly started_at: Date;
  readonly completed_at: Date | null;
  readonly expires_at: Date;
  readonly items: ItemCounts;
  readonly targets: readonly PlannedTarget[];
  readonly progress: PlanProgress | Record<never, never>;
  readonly estimate: PlanEstimate | null;
  readonly waiting_for: string | null;
  readonly waiting_detail: PlanView['waitingDetail'];
  readonly rotation_id: string | null;
  readonly kms_calls: string;
  readonly wal_bytes: string | null;
  readonly unattended: boolean;
}

const columns = `id, tenant_id, check_kind, status, seed, initiated_by, started_at, completed_at,
  started_at + interval '30 days' as expires_at, items, targets, progress, estimate, waiting_for, waiting_detail, rotation_id,
  kms_calls, pg_wal_lsn_diff(wal_end, wal_begin)::bigint as wal_bytes,
  status = 'in_progress' and heartbeat_at < clock_timestamp() - interval '${unattendedMs.waiting} milliseconds' as unattended`;

/** Older ones are not there, whether they are deleted yet or not. */
const kept = `started_at > clock_timestamp() - interval '30 days'`;

/** But for what is only kept with it. */
function pick(detail: PlanView['waitingDetail']): PlanView['waitingDetail'] {
  if (detail === null) return null;
  const { what, since, todo } = detail;
  return { what, since, todo };
}

function toView(found: PlanRow): PlanView {
  return {
    id: found.id,
    tenantId: found.tenant_id,
    check: found.check_kind,
    status: found.status,
    seed: Number(found.seed),
    initiatedBy: found.initiated_by,
    startedAt: found.started_at,
    completedAt: found.completed_at,
    expiresAt: found.expires_at,
    items: inOrder(found.items),
    targets: found.targets,
    progress: progressOf(found.progress),
    estimate: found.estimate,
    waitingFor: found.waiting_for ?? (found.unattended ? 'worker' : null),
    waitingDetail: pick(found.waiting_detail),
    rotationId: found.rotation_id,
    kmsCalls: Number(found.kms_calls),
    walBytes: found.wal_bytes === null ? null : Number(found.wal_bytes),
  };
}

/** Null where nobody has begun. */
export function progressOf(stored: PlanProgress | Record<never, never>): PlanProgress | null {
  return 'step' in stored ? stored : null;
}

export interface StartPlan {
  readonly planId: string;
  readonly tenantId: string;
  readonly check: PlanCheck;
  readonly actor: Initiator;
  readonly idempotency: {
    readonly caller: string;
    readonly key: string;
    readonly bodyHash: Buffer;
  } | null;
}

export type StartedPlan =
  | { readonly kind: 'started' | 'replayed'; readonly view: PlanView }
  | { readonly kind: 'in_progress'; readonly planId: string }
  | { readonly kind: 'mismatch' | 'tenant_not_found' };

/** Begins a plan, with what is counted already; a worker fills in the rest. See `rekey.start_plan`. */
export async function startPlan(on: Queryable, call: StartPlan): Promise<StartedPlan> {
  const { outcome, plan_id: planId } = await row<{ outcome: StartedPlan['kind']; plan_id: string }>(
    on,
    'select outcome, plan_id from rekey.start_plan($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    [
      call.planId,
      call.tenantId,
      call.check,
      JSON.stringify(call.actor),
      rangeItems,
      JSON.stringify(noItems()),
      call.idempotency?.caller ?? null,
      call.idempotency?.key ?? null,
      call.idempotency?.bodyHash ?? null,
    ],
  );
  if (outcome === 'in_progress') return { kind: outcome, planId };
  if (outcome !== 'started' && outcome !== 'replayed') return { kind: outcome };
  const view = await findPlan(on, planId);
  if (view === null) throw new Error('a plan that has begun is not there');
  return { kind: outcome, view };
}

export async function findPlan(on: Queryable, planId: string): Promise<PlanView | null> {
  const [found] = await rows<PlanRow>(on, `select ${columns} from rekey.plans where id = $1 and ${kept}`, [
    planId,
  ]);
  return found === undefined ? null : toView(found);
}

/** The plan that a rotation was started with; null: none, or it is not kept any more. */
export async function findPlanOf(on: Queryable, rotationId: string): Promise<PlanView | null> {
  const [found] = await prepared<PlanRow>(
    on,
    `select ${columns} from rekey.plans where rotation_id = $1 and ${kept}`,
    [rotationId],
  );
  return found === undefined ? null : toView(found);
}

/** Why a rotation cannot be started with a plan. */
export type UnusablePlan = 'not_found' | 'unfinished' | 'used_before';

/** Binds a plan to the rotation that this transaction starts; null: it is bound. */
export async function usePlan(
  tx: Queryable,
  planId: string,
  rotation: { readonly id: string; readonly tenantId: string },
): Promise<UnusablePlan | null> {
  const { outcome } = await row<{ outcome: 'used' | UnusablePlan }>(
    tx,
    'select rekey.use_plan($1, $2, $3) as outcome',
    [planId, rotation.id, rotation.tenantId],
  );
  return outcome === 'used' ? null : outcome;
}
