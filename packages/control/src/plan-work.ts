import { type ItemCounts, totalOf } from '@rekey/data';
import { type Queryable, row, rows } from '@rekey/db';
import { type PlanCheck, type PlanEstimate, type PlanProgress, type PlanQueue, progressOf } from './plans.ts';

/** A plan that a worker has, for as long as it gives signs of life. */
export interface ClaimedPlan {
  readonly id: string;
  readonly owner: string;
  readonly tenantId: string;
  readonly check: PlanCheck;
  readonly seed: number;
  /** Records, as counted at the call. */
  readonly items: number;
  readonly progress: PlanProgress | null;
}

/** A plan that nobody works on; null: there is none. */
export async function claimPlan(on: Queryable, owner: string, silentMs: number): Promise<ClaimedPlan | null> {
  const [found] = await rows<{
    id: string;
    tenant_id: string;
    check_kind: PlanCheck;
    seed: string;
    items: ItemCounts;
    progress: PlanProgress | Record<never, never>;
  }>(on, 'select id, tenant_id, check_kind, seed, items, progress from rekey.claim_plan($1, $2)', [
    owner,
    silentMs,
  ]);
  if (found === undefined) return null;
  return {
    id: found.id,
    owner,
    tenantId: found.tenant_id,
    check: found.check_kind,
    seed: Number(found.seed),
    items: totalOf(found.items),
    progress: progressOf(found.progress),
  };
}

export interface PlanNote {
  /** Absent: as before. */
  readonly progress?: PlanProgress;
  readonly waitingFor?: string;
  /** Since when is the database's to say. */
  readonly waitingDetail?: { readonly what: string; readonly todo: string; readonly ofOneWorker?: boolean };
  /** It gives the plan back. */
  readonly leaves?: boolean;
}

/** A sign of life; false: it is not this worker's any more. */
export async function notePlan(on: Queryable, { id, owner }: ClaimedPlan, note: PlanNote): Promise<boolean> {
  const { ours } = await row<{ ours: boolean }>(
    on,
    'select rekey.note_plan($1, $2, $3, $4, $5, $6) as ours',
    [
      id,
      owner,
      note.progress === undefined ? null : JSON.stringify(note.progress),
      note.waitingFor ?? null,
      note.waitingDetail === undefined ? null : JSON.stringify(note.waitingDetail),
      note.leaves ?? false,
    ],
  );
  return ours;
}

/** A rotation that finished here. */
export interface FinishedRotation {
  readonly items: number;
  /** From the call to the end. */
  readonly seconds: number;
  /** Of its records, and what the server wrote meanwhile; null: it had no plan. */
  readonly bytes: number | null;
  readonly walBytes: number | null;
}

/** What plans are estimated by. */
export interface PlanFacts {
  /** The number of the tenant's active DEK. */
  readonly activeKey: number | null;
  /** Those that live. */
  readonly workers: number;
  readonly queue: PlanQueue;
  /** The latest first. */
  readonly finished: readonly FinishedRotation[];
}

export async function planFacts(on: Queryable, tenantId: string): Promise<PlanFacts> {
  return (await row<{ facts: PlanFacts }>(on, 'select rekey.plan_facts($1) as facts', [tenantId])).facts;
}

/** Ends it; false: it is not this worker's any more. */
export async function completePlan(
  on: Queryable,
  { id, owner }: ClaimedPlan,
  { progress, estimate }: { readonly progress: PlanProgress; readonly estimate: PlanEstimate },
): Promise<boolean> {
  const { ours } = await row<{ ours: boolean }>(on, 'select rekey.complete_plan($1, $2, $3, $4) as ours', [
    id,
    owner,
    JSON.stringify(progress),
    JSON.stringify(estimate),
  ]);
  return ours;
}

/** Adds to what rotations took; of those without a plan nothing is kept. */
export async function noteKmsCalls(on: Queryable, calls: ReadonlyMap<string, number>): Promise<void> {
  await rows(on, 'select rekey.note_kms_calls($1, $2)', [[...calls.keys()], [...calls.values()]]);
}

/** Deletes those that are not kept any more, some at a time. */
export async function forgetPlans(on: Queryable): Promise<void> {
  await rows(on, 'select rekey.forget_plans()');
}
