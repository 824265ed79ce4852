import type { ItemCounts, ItemType } from '@rekey/data';
import { inOrder, noItems, seconds, silentFor } from '@rekey/data';
import { kekSuspendedMs, type OpenHours, unattendedMs } from '@rekey/times';
import type { Course, Left } from './course.ts';
import { type EstimatedRange, estimatedEnd } from './estimated-end.ts';
import type { Initiator } from './initiator.ts';
import { type ThrottledBy, type ThrottledRow, throttledColumn, toThrottledBy } from './throttled-by.ts';
import type { RotationPhase, RotationStatus } from './transitions/states.ts';

export type WaitingFor =
  | 'worker'
  | 'kms'
  | 'database'
  | 'lock'
  | 'integrity'
  | 'internal'
  | 'window'
  | 'kek_suspended';

/** A rotation as whoever watches it sees it. Ids are plain UUIDs in lower case, without `rot-` or `dek-`. */
export interface RotationView {
  readonly id: string;
  readonly tenantId: string;
  /** Whose left-overs it sweeps, to the same DEK. */
  readonly retryOf: string | null;
  readonly status: RotationStatus;
  readonly phase: RotationPhase;
  readonly previousDekId: string | null;
  readonly newDekId: string;
  readonly startedAt: Date;
  /** When the new DEK became active. */
  readonly switchedAt: Date | null;
  /** When nothing could be written under an older DEK any more. */
  readonly drainedAt: Date | null;
  readonly completedAt: Date | null;
  /** Null while it is paused: nobody knows for how long. */
  readonly estimatedCompletion: Date | null;
  readonly estimatedRange: EstimatedRange | null;
  /** Counted at the call, then frozen. */
  readonly itemsToRotate: ItemCounts;
  readonly itemsRotated: ItemCounts;
  readonly itemsSuperseded: ItemCounts;
  readonly itemsFailed: ItemCounts;
  readonly itemsRemaining: ItemCounts;
  /** As far as they are planned. */
  readonly targets: readonly TargetProgress[];
  /** 0 to 100 with one decimal, never decreasing, 100 only for a completed rotation. */
  readonly percentComplete: number;
  readonly itemsPerSecond: number;
  /** What it is held back to, over all workers; null: nothing. */
  readonly itemsPerSecondMax: number | null;
  readonly waitingFor: WaitingFor | null;
  readonly waitingDetail: WaitingDetail | null;
  readonly failureReason: string | null;
  readonly initiatedBy: Omit<Initiator, 'realm'>;
  /** What its sweep is held back for, for the sake of production. */
  readonly throttledBy: ThrottledBy | null;
  /** Because the DEK that it replaces is compromised: it comes before all others, and nothing holds it back. */
  readonly compromise: boolean;
  /** The rotation that took its place. */
  readonly supersededBy: string | null;
  /** Outside of these hours it stands still; null: it never does for that. */
  readonly windows: readonly OpenHours[] | null;
  /** Of the policy that began it, `<default>.<tenant>`; null: somebody called for it. */
  readonly policyVersion: string | null;
}

/** What a rotation has done in one registered table, by the name that an operator gave it. */
export interface TargetProgress {
  readonly name: string;
  readonly itemType: ItemType;
  readonly rotated: number;
  readonly failed: number;
  readonly remaining: number;
}

/** What a stalled rotation waits for, in words for an operator. */
export interface WaitingDetail {
  readonly what: string;
  /** Null from who does not know: the database says since when it is so, by its clock. */
  readonly since: string | null;
  readonly todo: string;
  /** The sessions that hold an older DEK. */
  readonly holders?: readonly Holder[];
}

/** What a worker says. */
export interface MetWaiting extends WaitingDetail {
  /** What this worker lacks, and others may have. */
  readonly ofOneWorker?: boolean;
}

/** A transaction that is in the way. */
export interface Holder {
  /** Null for a prepared transaction. */
  readonly pid: number | null;
  /** Of a prepared transaction. */
  readonly gid: string | null;
  readonly applicationName: string | null;
  readonly since: string | null;
  /** Whether it began then, or was seen first then: this role may not see more. */
  readonly sinceIsExact: boolean;
}

export type { Initiator, ThrottledBy };

/** What workers last wrote into `rotations.progress`. */
export interface Progress {
  readonly rotated: ItemCounts;
  readonly superseded: ItemCounts;
  readonly failed: ItemCounts;
  readonly remaining: ItemCounts;
  /** Absent: an earlier version wrote it. */
  readonly targets?: readonly TargetProgress[];
  readonly percent: number;
  readonly itemsPerSecond: number;
  readonly estimatedCompletion: string;
  /** Of one that moves; absent where it has not yet, or has ended, or an earlier version wrote it. */
  readonly course?: Course | undefined;
  readonly left?: Left | null | undefined;
  /** The recent window: [milliseconds since the epoch, items done until then], oldest first. */
  readonly samples: ReadonlyArray<readonly [number, number]>;
}

/** A row of `rekey.rotations` as {@link rotationColumns} selects it. */
export interface RotationRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly retry_of: string | null;
  readonly status: RotationStatus;
  readonly phase: RotationPhase;
  readonly previous_dek_id: string | null;
  readonly new_dek_id: string;
  readonly items_to_rotate: ItemCounts;
  readonly initiated_by: Initiator;
  readonly started_at: Date;
  readonly switched_at: Date | null;
  readonly drained_at: Date | null;
  readonly completed_at: Date | null;
  readonly estimated_completion: Date;
  readonly failure_reason: string | null;
  readonly items_per_second_max: number | null;
  readonly waiting_for: WaitingFor | null;
  readonly waiting_detail: WaitingDetail | null;
  /** By the database's clock: who reads it may be an hour off. */
  readonly found_at: Date;
  readonly progress: Progress | null;
  readonly version: string;
  readonly unattended: boolean;
  readonly throttled_by: ThrottledRow | null;
  readonly compromise: boolean;
  readonly superseded_by: string | null;
  readonly windows: readonly OpenHours[] | null;
  readonly policy_version: string | null;
}

/**
 * How long without a heartbeat, or since its windows came, until a rotation is said to wait for a worker: longer while a worker
 * said that it waits for something else, since it backs off meanwhile.
 */
const unattendedAfter = `case when waiting_for is null then ${seconds(unattendedMs.running)}
  when waiting_for = 'kek_suspended' then ${seconds(kekSuspendedMs.overdue)}
  else ${seconds(unattendedMs.waiting)} end`;

export const rotationColumns = `
  clock_timestamp() as found_at, id, tenant_id, retry_of, status, phase, previous_dek_id, new_dek_id, items_to_rotate, initiated_by, started_at,
  switched_at, drained_at, waiting_detail, items_per_second_max,
  completed_at, estimated_completion, failure_reason, waiting_for, progress, version, compromise, superseded_by,
  windows, policy_version,
  status = 'in_progress' and coalesce(window_opens_at <= clock_timestamp(), true)
    and ${silentFor(`(${unattendedAfter})`, 'greatest(coalesce(heartbeat_at, started_at), window_opens_at)')} as unattended,
  ${throttledColumn}`;

export function toView(row: RotationRow): RotationView {
  const { progress } = row;
  const end = estimatedEnd(row, row.found_at.getTime());
  return {
    id: row.id,
    tenantId: row.tenant_id,
    retryOf: row.retry_of,
    status: row.status,
    phase: row.phase,
    previousDekId: row.previous_dek_id,
    newDekId: row.new_dek_id,
    startedAt: row.started_at,
    switchedAt: row.switched_at,
    drainedAt: row.drained_at,
    completedAt: row.completed_at,
    estimatedCompletion: end.at,
    estimatedRange: end.range,
    itemsToRotate: inOrder(row.items_to_rotate),
    itemsRotated: inOrder(progress?.rotated ?? noItems()),
    itemsSuperseded: inOrder(progress?.superseded ?? noItems()),
    itemsFailed: inOrder(progress?.failed ?? noItems()),
    itemsRemaining: inOrder(progress?.remaining ?? row.items_to_rotate),
    targets: progress?.targets ?? [],
    percentComplete: progress?.percent ?? 0,
    itemsPerSecond: progress?.itemsPerSecond ?? 0,
    itemsPerSecondMax: row.items_per_second_max,
    waitingFor: row.unattended ? 'worker' : row.waiting_for,
    waitingDetail: row.unattended ? null : row.waiting_detail,
    failureReason: row.failure_reason,
    initiatedBy: initiatorOf(row),
    throttledBy: toThrottledBy(row),
    compromise: row.compromise,
    supersededBy: row.superseded_by,
    windows: row.windows,
    policyVersion: row.policy_version,
  };
}

function initiatorOf({ initiated_by: { id, name, email } }: RotationRow): RotationView['initiatedBy'] {
  return { id, name, email };
}

/** A view that went through JSON, with its dates; null for what is none. */
export function reviveView(json: unknown): RotationView | null {
  if (typeof json !== 'object' || json === null || !('startedAt' in json)) return null;
  const view = json as Serialized<RotationView>; // written by JSON.stringify of a view, by this program
  return {
    ...view,
    startedAt: new Date(view.startedAt),
    switchedAt: dateOf(view.switchedAt),
    drainedAt: dateOf(view.drainedAt),
    // Versions before this one published none.
    waitingDetail: view.waitingDetail ?? null,
    retryOf: view.retryOf ?? null,
    targets: view.targets ?? [],
    completedAt: dateOf(view.completedAt),
    itemsPerSecondMax: view.itemsPerSecondMax ?? null,
    throttledBy: view.throttledBy ?? null,
    estimatedCompletion: dateOf(view.estimatedCompletion),
    estimatedRange: rangeOf(view.estimatedRange),
    compromise: view.compromise ?? false,
    supersededBy: view.supersededBy ?? null,
    windows: view.windows ?? null,
    policyVersion: view.policyVersion ?? null,
  };
}

function rangeOf(range: Serialized<EstimatedRange> | null | undefined): EstimatedRange | null {
  return range ? { earliest: new Date(range.earliest), latest: dateOf(range.latest) } : null;
}

function dateOf(text: string | null | undefined): Date | null {
  return text === null || text === undefined ? null : new Date(text);
}

type Serialized<T> = {
  readonly [K in keyof T]: Date extends T[K]
    ? Exclude<T[K], Date> | string
    : EstimatedRange extends T[K]
      ? Serialized<EstimatedRange> | null
      : T[K];
};
