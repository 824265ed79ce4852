import { findCampaign, findCampaignFacts, listCampaignMembers, listCampaigns } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Campaigns } from './dependencies.ts';

/** What is read of campaigns, bound to one pool. */
export function connectCampaigns(store: Store): Campaigns {
  return {
    find: (campaignId) => findCampaign(store, campaignId),
    list: (page) => listCampaigns(store, page),
    facts: (asked) => findCampaignFacts(store, asked),
    members: (campaignId, state, page) => listCampaignMembers(store, campaignId, state, page),
  };
}
