import { type Queryable, row } from '@rekey/db';
import { type CampaignWhom, selectorOf } from './campaign-work.ts';
import type { CampaignAction, CampaignOrder } from './campaigns.ts';
import type { CampaignFacts } from './forecast/simulate-campaign.ts';
import type { PlanFacts } from './plan-work.ts';

export type FoundCampaignFacts =
  | { readonly kind: 'found'; readonly facts: CampaignFacts }
  | { readonly kind: 'tenant_not_found'; readonly unknown: readonly string[] }
  | { readonly kind: 'kek_not_found' | 'lacking' };

type Found =
  | { readonly outcome: 'kek_not_found' | 'lacking' }
  | { readonly outcome: 'tenant_not_found'; readonly unknown: readonly string[] }
  | {
      readonly outcome: 'started';
      readonly nowMs: number;
      readonly compromise: boolean;
      readonly facts: PlanFacts;
      readonly members: ReadonlyArray<
        readonly [tenant: string, items: number, work: string | null, deks: number, overdueMs: number | null]
      >;
    };

/** What a campaign that began now would have before it; only read. */
export async function findCampaignFacts(
  on: Queryable,
  asked: {
    readonly action: CampaignAction;
    readonly whom: CampaignWhom;
    readonly kekName: string | null;
    readonly order: CampaignOrder;
  },
): Promise<FoundCampaignFacts> {
  const { whom, action, kekName, order } = asked;
  const { found } = await row<{ found: Found }>(
    on,
    'select rekey.simulate_campaign($1, $2, $3, $4, $5) as found',
    [action, JSON.stringify(selectorOf(whom)), 'tenantIds' in whom ? whom.tenantIds : null, kekName, order],
  );
  if (found.outcome === 'tenant_not_found') return { kind: found.outcome, unknown: found.unknown };
  if (found.outcome !== 'started') return { kind: found.outcome };
  return {
    kind: 'found',
    facts: {
      now: new Date(found.nowMs),
      waitsForCompromise: found.compromise,
      facts: found.facts,
      members: found.members.map(([tenantId, items, workId, deks, overdueMs]) => ({
        tenantId,
        items,
        workId,
        deks,
        overdueAt: overdueMs === null ? null : new Date(overdueMs),
      })),
    },
  };
}
