import {
  type Campaign,
  type CampaignTenant,
  formatCampaignId,
  formatRewrapId,
  formatRotationId,
} from '@rekey/contract';
import type { CampaignAction, CampaignMember, CampaignView } from '@rekey/control';

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
