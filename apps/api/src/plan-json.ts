import { formatPlanId, formatRotationId, type Plan, setAsideReasons } from '@rekey/contract';
import type { PlanEstimate, PlanView } from '@rekey/control';

export function planJson(view: PlanView): Plan {
  const { progress, estimate, initiatedBy } = view;
  const isDone = view.status === 'completed';
  return {
    planId: formatPlanId(view.id),
    tenantId: view.tenantId,
    check: view.check,
    status: view.status,
    startedAt: view.startedAt.toISOString(),
    completedAt: view.completedAt?.toISOString() ?? null,
    expiresAt: view.expiresAt.toISOString(),
    itemsToRotate: view.items,
    rangesToSweep: view.targets.reduce((sum, { ranges }) => sum + ranges, 0),
    targets: view.targets.map(({ name, itemType, records, ranges }) => ({ name, itemType, records, ranges })),
    recordsSized: progress?.records ?? 0,
    recordsOpened: progress?.opened ?? 0,
    bytes: isDone ? (progress?.bytes ?? null) : null,
    estimate: estimate === null ? null : estimateJson(estimate),
    queue: estimate === null ? null : { ...estimate.queue },
    openedRecords: openedJson(view),
    waitingFor: waits.find((one) => one === view.waitingFor) ?? null,
    waitingDetail: view.waitingDetail === null ? null : { ...view.waitingDetail },
    rotationId: view.rotationId === null ? null : formatRotationId(view.rotationId),
    initiatedBy: { id: initiatedBy.id, name: initiatedBy.name, email: initiatedBy.email },
  };
}

const waits = ['worker', 'kms', 'database', 'lock', 'integrity', 'internal', 'kek_suspended'] as const;

/** The ranges, without what stands beside them in the answer of a plan. */
export function estimateJson({ seconds, walBytes, kmsCalls }: PlanEstimate) {
  return { seconds: { ...seconds }, walBytes: { ...walBytes }, kmsCalls: { ...kmsCalls } };
}

function openedJson({ seed, estimate }: PlanView): Plan['openedRecords'] {
  const opened = estimate?.opened ?? null;
  if (opened === null) return null;
  const counted = setAsideReasons.flatMap((reason) => {
    const count = opened.notOpening[reason] ?? 0;
    return count === 0 ? [] : [[reason, count] as const];
  });
  return {
    records: opened.records,
    seed,
    notOpening: Object.fromEntries(counted),
    recordsNotOpeningMax: opened.atMost,
    confidence: opened.confidence,
  };
}

/** As it was when it began, of what never changes: the same however often it is asked for. */
export function asItBegan(view: PlanView): PlanView {
  return {
    ...view,
    status: 'in_progress',
    completedAt: null,
    progress: null,
    estimate: null,
    waitingFor: null,
    waitingDetail: null,
    rotationId: null,
  };
}
