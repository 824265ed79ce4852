import {
  type Campaign,
  type CampaignSimulation,
  type CampaignTenant,
  formatCampaignId,
  formatRewrapId,
  formatRotationId,
  simulatedTenantsMax,
} from '@rekey/contract';
import type { CampaignAction, CampaignMember, CampaignView, SimulatedCampaign } from '@rekey/control';

export function campaignJson(view: CampaignView): Campaign {
  const { byState, tenants, initiatedBy } = view;
  const left = byState.waiting + byState.running;
  const isDone = view.status === 'completed' || view.status === 'completed_with_failures';
  const share = tenants === 0 ? 0 : (100 * (tenants - left)) / tenants;
  return {
    campaignId: formatCampaignId(view.id),
    action: view.action,
    whom: view.selector,
    kek: view.kekName,
    order: view.order,
    canaries: view.canaries,
    atOnceMax: view.atOnceMax,
    perHourMax: view.perHourMax,
    failuresMax: view.failuresMax,
    callsPerSecondMax: view.callsPerSecondMax,
    status: view.status,
    stoppedFor: view.stoppedFor,
    waitingFor: view.waitingFor,
    tenantsTotal: tenants,
    tenantsByState: { ...byState },
    percentComplete: isDone ? 100 : Math.min(99.9, Math.floor(share * 10) / 10),
    startedAt: view.startedAt.toISOString(),
    completedAt: view.completedAt?.toISOString() ?? null,
    initiatedBy: { id: initiatedBy.id, name: initiatedBy.name, email: initiatedBy.email },
  };
}

/** As it was when it began: the same however often it is asked for. */
export function asItBegan(view: CampaignView): CampaignView {
  return {
    ...view,
    status: 'in_progress',
    stoppedFor: null,
    waitingFor: null,
    completedAt: null,
    byState: {
      waiting: view.tenants,
      running: 0,
      completed: 0,
      completed_with_failures: 0,
      failed: 0,
      cancelled: 0,
      skipped: 0,
    },
  };
}

export function campaignTenantJson(action: CampaignAction, member: CampaignMember): CampaignTenant {
  const { workId } = member;
  const format = action === 'rotate' ? formatRotationId : formatRewrapId;
  return {
    tenantId: member.tenantId,
    position: member.position,
    items: member.items,
    state: member.state,
    canary: member.canary,
    workId: workId === null ? null : format(workId),
    reason: member.reason,
    startedAt: member.startedAt?.toISOString() ?? null,
    endedAt: member.endedAt?.toISOString() ?? null,
  };
}

export function simulationJson(
  action: CampaignAction,
  simulated: SimulatedCampaign,
  now: Date,
): CampaignSimulation {
  const { seconds, skipped, late, atOnce } = simulated;
  const rounded = (value: number): number => Math.round(value * 10) / 10;
  const at = (after: number): string => new Date(now.getTime() + Math.round(after * 1_000)).toISOString();
  return {
    tenantsTotal: simulated.selected,
    itemsTotal: simulated.records,
    skipped: {
      count: skipped.length,
      tenants: skipped.slice(0, simulatedTenantsMax).map(({ tenantId, workId }) => ({
        tenantId,
        reason: action === 'rotate' ? ('rotation_in_progress' as const) : ('rewrap_in_progress' as const),
        workId: action === 'rotate' ? formatRotationId(workId ?? '') : formatRewrapId(workId ?? ''),
      })),
    },
    seconds: { low: rounded(seconds.low), high: rounded(seconds.high), by: simulated.by },
    endsAt: simulated.waitsForCompromise ? null : { earliest: at(seconds.low), latest: at(seconds.high) },
    assumed: { workers: simulated.workers, atOnce },
    policyNotKept: {
      count: late.length,
      certain: late.filter(({ isCertain }) => isCertain).length,
      tenants: late.slice(0, simulatedTenantsMax).map(({ tenantId, overdueAt, endsAt, isCertain }) => ({
        tenantId,
        overdueAt: overdueAt.toISOString(),
        endsAt: { earliest: endsAt.earliest.toISOString(), latest: endsAt.latest.toISOString() },
        certain: isCertain,
      })),
    },
  };
}
