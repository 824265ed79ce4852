import { type Queryable, row } from '@rekey/db';
import { type MemberState, memberStates } from './campaigns.ts';

/** `stopped`: it paused by itself. */
export const campaignStates = ['in_progress', 'paused', 'stopped'] as const;
export type CampaignState = (typeof campaignStates)[number];

/** How unfinished campaigns stand, all of them together. */
export interface CampaignFigures {
  readonly campaigns: Readonly<Record<CampaignState, number>>;
  readonly tenants: Readonly<Record<MemberState, number>>;
  /** Records of tenants that have not ended, as they were counted when their campaign began. */
  readonly itemsRemaining: number;
}

export async function findCampaignFigures(on: Queryable): Promise<CampaignFigures> {
  const { found } = await row<{
    found: {
      campaigns: Partial<Record<CampaignState, number>>;
      tenants: Partial<Record<MemberState, number>>;
      items: number;
    };
  }>(on, 'select rekey.campaign_figures() as found', []);
  const { in_progress = 0, paused = 0, stopped = 0 } = found.campaigns;
  const counted = memberStates.map((state) => [state, found.tenants[state] ?? 0]);
  return {
    campaigns: { in_progress, paused, stopped },
    // Every state has its entry.
    tenants: Object.fromEntries(counted) as Record<MemberState, number>,
    itemsRemaining: found.items,
  };
}
