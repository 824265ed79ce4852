import { runningId, tenantId, tenantIdOf } from './fleet.ts';
import { ada, before, longNamed, type Told, uuid, within } from './told.ts';

const noneYet = {
  waiting: 0,
  running: 0,
  completed: 0,
  completed_with_failures: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
};
type Campaign = Told<'getCampaign'>;

const campaignOf = (at: number, of: Partial<Campaign>): Campaign => ({
  campaignId: `campaign-${uuid(`campaign ${at}`)}`,
  action: 'rotate',
  whom: { olderThanDays: 365 },
  kek: null,
  order: 'smallest_first',
  canaries: 3,
  atOnceMax: 10,
  perHourMax: null,
  failuresMax: 5,
  callsPerSecondMax: null,
  status: 'completed',
  stoppedFor: null,
  waitingFor: null,
  tenantsTotal: 4_210,
  tenantsByState: { ...noneYet, completed: 4_187, skipped: 23 },
  percentComplete: 100,
  startedAt: before(at * 30, 3),
  completedAt: before(at * 30, 1),
  initiatedBy: ada,
  ...of,
});
export const campaign = campaignOf(0, {
  status: 'paused',
  stoppedFor: 'failures',
  perHourMax: 500,
  tenantsByState: {
    waiting: 2_001,
    running: 2,
    completed: 2_180,
    completed_with_failures: 3,
    failed: 2,
    cancelled: 1,
    skipped: 21,
  },
  percentComplete: 52.42,
  completedAt: null,
  initiatedBy: longNamed,
});
export const campaigns: Told<'listCampaigns'> = {
  campaigns: [
    campaign,
    campaignOf(1, {
      action: 'rewrap',
      kek: 'production-eu-central-1-2025',
      whom: { onKek: 'production-eu-central-1-2024' },
      callsPerSecondMax: 100,
      status: 'in_progress',
      tenantsByState: { ...noneYet, waiting: 3, running: 1 },
      tenantsTotal: 4,
      percentComplete: 0,
      completedAt: null,
    }),
    campaignOf(2, { whom: { all: true } }),
    campaignOf(3, {
      whom: { tenants: 12 },
      status: 'cancelled',
      tenantsTotal: 12,
      tenantsByState: { ...noneYet, cancelled: 12 },
    }),
  ],
  nextCursor: 'older',
};
const memberStates = [
  'completed',
  'completed',
  'completed',
  'completed_with_failures',
  'failed',
  'running',
  'skipped',
  'waiting',
] as const;
export const members: Told<'listCampaignTenants'> = {
  tenants: memberStates.map((state, at) => ({
    tenantId: tenantIdOf(at),
    position: at + 1,
    items: 17 * 10 ** Math.floor(at / 2),
    state,
    canary: at < 3,
    workId: at > 5 ? null : `rot-${uuid(`rotation ${at}`)}`,
    reason: state === 'skipped' ? 'ROTATION_IN_PROGRESS' : state === 'failed' ? 'KEK_DENIED' : null,
    startedAt: at > 5 ? null : before(0, 2, at),
    endedAt: at > 4 ? null : before(0, 1, at),
  })),
  nextCursor: 'further',
};

export const simulation: Told<'simulateCampaign'> = {
  tenantsTotal: 1_006,
  itemsTotal: 98_112_004,
  skipped: { count: 3, tenants: [{ tenantId, reason: 'rotation_in_progress', workId: runningId }] },
  seconds: { low: 5_400, high: 19_000, by: 'assumed' },
  endsAt: { earliest: within(0, 1, 30), latest: within(0, 5, 16) },
  assumed: { workers: 2, atOnce: { low: 4, high: 10 } },
  policyNotKept: { count: 2, certain: 1, tenants: [] },
};
