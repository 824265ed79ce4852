import { noItems } from '@rekey/data';
import { type Queryable, row, rows } from '@rekey/db';
import {
  type CampaignAction,
  type CampaignBounds,
  type CampaignSelector,
  type CampaignView,
  findCampaign,
} from './campaigns.ts';
import type { Initiator } from './initiator.ts';

/** Whom it is for: of a list the ids, each once. */
export type CampaignWhom =
  | Exclude<CampaignSelector, { readonly tenants: number }>
  | { readonly tenantIds: readonly string[] };

export interface StartCampaign extends CampaignBounds {
  readonly campaignId: string;
  readonly action: CampaignAction;
  readonly whom: CampaignWhom;
  /** Of a rewrap: under which KEK. */
  readonly kekName: string | null;
  readonly callsPerSecondMax: number;
  readonly reason: string | null;
  readonly actor: Initiator;
  readonly idempotency: { readonly caller: string; readonly key: string; readonly bodyHash: Buffer } | null;
}

export type StartedCampaign =
  | { readonly kind: 'started' | 'replayed'; readonly view: CampaignView }
  /** Some of the ids that are no tenant's. */
  | { readonly kind: 'tenant_not_found'; readonly unknown: readonly string[] }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'kek_not_found' | 'lacking' };

export const selectorOf = (whom: CampaignWhom): CampaignSelector =>
  'tenantIds' in whom ? { tenants: whom.tenantIds.length } : whom;

/** Begins a campaign; workers start its tenants. See `rekey.start_campaign`. */
export async function startCampaign(on: Queryable, call: StartCampaign): Promise<StartedCampaign> {
  const { whom, idempotency } = call;
  const {
    outcome,
    campaign_id: campaignId,
    unknown,
  } = await row<{ outcome: StartedCampaign['kind']; campaign_id: string; unknown: string[] | null }>(
    on,
    `select outcome, campaign_id, unknown
     from rekey.start_campaign($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      call.campaignId,
      call.action,
      JSON.stringify(selectorOf(whom)),
      'tenantIds' in whom ? whom.tenantIds : null,
      call.kekName,
      call.order,
      call.canaries,
      call.atOnceMax,
      call.perHourMax,
      call.failuresMax,
      call.callsPerSecondMax,
      call.reason,
      JSON.stringify(call.actor),
      idempotency?.caller ?? null,
      idempotency?.key ?? null,
      idempotency?.bodyHash ?? null,
    ],
  );
  if (outcome === 'tenant_not_found') return { kind: outcome, unknown: unknown ?? [] };
  if (outcome !== 'started' && outcome !== 'replayed') return { kind: outcome };
  const view = await findCampaign(on, campaignId);
  if (view === null) throw new Error('a campaign that has begun is not there');
  return { kind: outcome, view };
}

/** Writes down what became of tenants that were started, and stops or completes campaigns: how many tenants ended. */
export async function settleCampaigns(on: Queryable): Promise<number> {
  return Number((await row<{ ended: string }>(on, 'select rekey.settle_campaigns() as ended')).ended);
}

/** What became of the tenant that was next. */
export interface StartedMember {
  readonly outcome: 'started' | 'skipped' | 'failed';
  readonly campaignId: string;
  readonly tenantId: string;
  readonly action: CampaignAction;
  /** The rotation or rewrap that was started, or is in the way. */
  readonly workId: string | null;
}

/** Starts the next tenant of whichever campaign has room: all of it and written down, or nothing. Null: there is none now. */
export async function startMember(on: Queryable): Promise<StartedMember | null> {
  const [next] = await rows<StartedMember>(
    on,
    `select outcome, campaign_id as "campaignId", tenant_id as "tenantId", action, work_id as "workId"
     from rekey.start_member($1)`,
    [JSON.stringify(noItems())],
  );
  return next ?? null;
}
