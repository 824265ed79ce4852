import { randomUUID } from 'node:crypto';
import {
  type CampaignView,
  findCampaign,
  type StartCampaign,
  settleCampaigns,
  startCampaign,
  startMember,
} from '@rekey/control';
import { type Core, rotationCore } from '../harness/rotation.ts';

export const ada = { kind: 'user', id: 'ada', name: null, email: null } as const;

export interface Campaigning {
  readonly core: Core;
  tenants(count: number): Promise<string[]>;
  begin(given: Partial<StartCampaign> & Pick<StartCampaign, 'whom'>): Promise<string>;
  view(campaignId: string): Promise<CampaignView>;
  /** One look of a worker: how many were started. */
  look(): Promise<number>;
  /** Ids of the rotations that run for a campaign, in their order. */
  running(campaignId: string): Promise<string[]>;
  /** As in `completed` or `skipped rotation_in_progress`, in their order. */
  states(campaignId: string): Promise<string[]>;
  /** Rotations that campaigns started, by tenant. */
  rotationsOf(campaignId: string): Promise<Map<string, number>>;
}

export async function campaigning(): Promise<Campaigning> {
  const core = await rotationCore();
  const { store, pool } = core;
  const members = async (campaignId: string) =>
    (
      await pool.query<{ state: string; reason: string | null; work_id: string }>(
        'select state, reason, work_id from rekey.campaign_members where campaign_id = $1 order by position',
        [campaignId],
      )
    ).rows;
  return {
    core,
    tenants: (count) => Promise.all(Array.from({ length: count }, () => core.createTenant())),
    async begin(given) {
      const campaignId = randomUUID();
      const started = await startCampaign(store, {
        campaignId,
        action: 'rotate',
        kekName: null,
        order: 'tenantIds' in given.whom ? 'as_given' : 'smallest_first',
        canaries: 0,
        atOnceMax: 10,
        perHourMax: null,
        failuresMax: 5,
        callsPerSecondMax: 1_000,
        reason: null,
        actor: ada,
        idempotency: null,
        ...given,
      });
      if (started.kind !== 'started') throw new Error(started.kind);
      return campaignId;
    },
    async view(campaignId) {
      const found = await findCampaign(store, campaignId);
      if (found === null) throw new Error('there is no such campaign');
      return found;
    },
    async look() {
      await settleCampaigns(store);
      let started = 0;
      for (;;) {
        const next = await startMember(store);
        if (next === null) return started;
        if (next.outcome === 'started') started += 1;
      }
    },
    running: async (campaignId) =>
      (await members(campaignId)).filter(({ state }) => state === 'running').map(({ work_id }) => work_id),
    states: async (campaignId) =>
      (await members(campaignId)).map(({ state, reason }) =>
        reason === null ? state : `${state} ${reason}`,
      ),
    async rotationsOf(campaignId) {
      const { rows } = await pool.query<{ tenant_id: string; n: number }>(
        `select tenant_id, count(*)::int as n from rekey.rotations where initiated_by ->> 'id' = $1 group by 1`,
        [`campaign-${campaignId}`],
      );
      return new Map(rows.map(({ tenant_id, n }) => [tenant_id, n]));
    },
  };
}
