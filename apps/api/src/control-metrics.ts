import {
  type CampaignFigures,
  campaignStates,
  findCampaignFigures,
  findPolicyFigures,
  memberStates,
  type PolicyFigures,
  policyLevels,
} from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Metrics } from '@rekey/metrics';
import { figuresMs } from '@rekey/times';
import { readRegularly } from './read-regularly.ts';

/**
 * What policies and campaigns tell, for the whole installation. All of it is absent while Postgres does not tell, and what is due
 * also while no worker looks for it: zero would mean that no key is overdue.
 */
export function tellControl(metrics: Metrics, store: Store): { close(): void } {
  const policies = readRegularly(() => findPolicyFigures(store, null), figuresMs);
  const campaigns = readRegularly(() => findCampaignFigures(store), figuresMs);
  tellPolicies(metrics, policies.latest);
  tellWrappings(metrics, policies.latest);
  tellCampaigns(metrics, campaigns.latest);
  return {
    close() {
      policies.close();
      campaigns.close();
    },
  };
}

function tellPolicies(metrics: Metrics, latest: () => PolicyFigures | null): void {
  const tenants = metrics.gauge({
    name: 'rekey_policy_tenants',
    help: 'Tenants for which a policy says when their key is to be rotated, by how it stands. Absent while unknown. Take its max().',
    labelNames: ['level'],
    collect() {
      tenants.reset();
      const figures = latest();
      if (figures !== null) for (const level of policyLevels) tenants.set({ level }, figures.levels[level]);
    },
  });
}

function tellWrappings(metrics: Metrics, latest: () => PolicyFigures | null): void {
  const tenants = metrics.gauge({
    name: 'rekey_policy_wrappings',
    help: 'Tenants for which a policy says how old the wrapping of their keys gets, by how it stands. Absent while unknown. Take its max().',
    labelNames: ['level'],
    collect() {
      tenants.reset();
      const figures = latest();
      if (figures !== null)
        for (const level of policyLevels) tenants.set({ level }, figures.wrappings[level]);
    },
  });
}

function tellCampaigns(metrics: Metrics, latest: () => CampaignFigures | null): void {
  const campaigns = metrics.gauge({
    name: 'rekey_campaigns_unfinished',
    help: 'Unfinished campaigns by state; stopped ones paused by themselves.',
    labelNames: ['state'],
    collect() {
      campaigns.reset();
      const figures = latest();
      if (figures !== null)
        for (const state of campaignStates) campaigns.set({ state }, figures.campaigns[state]);
    },
  });
  const tenants = metrics.gauge({
    name: 'rekey_campaign_tenants',
    help: 'Tenants of unfinished campaigns by state; waiting and running ones remain.',
    labelNames: ['state'],
    collect() {
      tenants.reset();
      const figures = latest();
      if (figures !== null) for (const state of memberStates) tenants.set({ state }, figures.tenants[state]);
    },
  });
  metrics.reading(
    'rekey_campaign_records_remaining',
    'Records of tenants of unfinished campaigns that have not ended, as they were counted when their campaign began.',
    () => latest()?.itemsRemaining ?? null,
  );
}
