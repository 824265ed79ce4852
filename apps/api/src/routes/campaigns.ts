import {
  CampaignHeaders,
  CampaignParams,
  CampaignResponse,
  CampaignsQuery,
  CampaignsResponse,
  CampaignTenantsQuery,
  CampaignTenantsResponse,
  campaignMessages,
  campaignsLimitDefault,
  parseCampaignId,
  SteeringBody,
} from '@rekey/contract';
import type { CampaignView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf } from '../auth/caller.ts';
import { campaignJson, campaignTenantJson } from '../campaign-json.ts';
import type { Campaigns } from '../dependencies.ts';
import { needInstallation } from '../need-installation.ts';
import { whoAndWhat } from '../request-log.ts';
import { type Call, type Route, route } from '../route.ts';
import { success } from '../success.ts';

type OfCampaign = Pick<Call<{ params: typeof CampaignParams }>, 'route' | 'params' | 'request'>;

async function findVisible(
  campaigns: Campaigns,
  { route: self, params, request }: OfCampaign,
): Promise<CampaignView> {
  needInstallation(request, self);
  const id = parseCampaignId(params.campaignId);
  const view = id === null ? null : await campaigns.find(id);
  if (view === null) throw new ApiError('CAMPAIGN_NOT_FOUND');
  return view;
}

function response(view: CampaignView, message: CampaignResponse['message']): CampaignResponse {
  return success<CampaignResponse>(message, campaignJson(view));
}

export const listCampaigns = route({
  operationId: 'listCampaigns',
  method: 'GET',
  path: '/api/v1/admin/campaigns',
  permission: 'by_role',
  tag: 'Campaigns',
  summary: 'List campaigns',
  description: 'The latest first, only at `*`. Give `nextCursor` back as `cursor` for the next page.',
  request: { headers: CampaignHeaders, query: CampaignsQuery },
  answers: { 200: { description: 'One page of them.', schema: CampaignsResponse } },
  errors: [],
  handler:
    ({ campaigns }) =>
    async ({ route: self, query, request }) => {
      needInstallation(request, self);
      const { cursor = null, limit = campaignsLimitDefault } = query;
      const page = await campaigns.list({ after: cursor, limit });
      return success<CampaignsResponse>(campaignMessages.list, {
        campaigns: page.campaigns.map(campaignJson),
        nextCursor: page.next,
      });
    },
});

export const getCampaign = route({
  operationId: 'getCampaign',
  method: 'GET',
  path: '/api/v1/admin/campaigns/{campaignId}',
  permission: 'by_role',
  tag: 'Campaigns',
  summary: 'Say how a campaign stands',
  request: { params: CampaignParams, headers: CampaignHeaders },
  answers: { 200: { description: 'The campaign.', schema: CampaignResponse } },
  errors: ['CAMPAIGN_NOT_FOUND'],
  handler:
    ({ campaigns }) =>
    async (call) =>
      response(await findVisible(campaigns, call), campaignMessages.get),
});

export const listCampaignTenants = route({
  operationId: 'listCampaignTenants',
  method: 'GET',
  path: '/api/v1/admin/campaigns/{campaignId}/tenants',
  permission: 'by_role',
  tag: 'Campaigns',
  summary: 'List the tenants of a campaign',
  description:
    'In the order in which they are started: how each stands, which rotation or rewrap was started for it, and why one was ' +
    'skipped. Those that still wait in a cancelled campaign were never started.',
  request: { params: CampaignParams, headers: CampaignHeaders, query: CampaignTenantsQuery },
  answers: { 200: { description: 'One page of them.', schema: CampaignTenantsResponse } },
  errors: ['CAMPAIGN_NOT_FOUND'],
  handler:
    ({ campaigns }) =>
    async (call) => {
      const { id, action } = await findVisible(campaigns, call);
      const { cursor = '0', limit = campaignsLimitDefault, state = null } = call.query;
      const page = await campaigns.members(id, state, { after: Number(cursor), limit });
      return success<CampaignTenantsResponse>(campaignMessages.tenants, {
        tenants: page.members.map((member) => campaignTenantJson(action, member)),
        nextCursor: page.next === null ? null : String(page.next),
      });
    },
});

interface Way {
  readonly verb: 'pause' | 'resume' | 'cancel';
  readonly wanted: 'paused' | 'in_progress' | 'cancelled';
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
}

function steering({ verb, wanted, operationId, summary, description }: Way): Route {
  return route({
    operationId,
    method: 'POST',
    path: `/api/v1/admin/campaigns/{campaignId}/${verb}`,
    permission: 'by_role',
    tag: 'Campaigns',
    summary,
    description: `Needs no body; a \`reason\` is kept with the event. ${description} Repeated it answers 200.`,
    request: { params: CampaignParams, headers: CampaignHeaders, body: SteeringBody, bodyOptional: true },
    answers: { 200: { description: 'The campaign.', schema: CampaignResponse } },
    errors: ['CAMPAIGN_NOT_FOUND', 'CAMPAIGN_FINISHED'],
    handler:
      ({ commands, campaigns, logger }) =>
      async (call) => {
        const { id: campaignId } = await findVisible(campaigns, call);
        const order = { campaignId, wanted, ...call.body };
        const outcome = await commands.steerCampaign(actorOf(callerOf(call.request)), order);
        if (outcome.kind === 'not_found') throw new ApiError('CAMPAIGN_NOT_FOUND');
        if (outcome.kind === 'finished') throw new ApiError('CAMPAIGN_FINISHED');
        if (outcome.kind === 'changed')
          logger.info(`campaign ${wanted}`, { ...whoAndWhat(call.request), campaignId });
        return response(outcome.view, campaignMessages[verb]);
      },
  });
}

export const pauseCampaign = steering({
  operationId: 'pauseCampaign',
  verb: 'pause',
  wanted: 'paused',
  summary: 'Pause a campaign',
  description: 'It starts nobody more; what it has started goes on to its end.',
});

export const resumeCampaign = steering({
  operationId: 'resumeCampaign',
  verb: 'resume',
  wanted: 'in_progress',
  summary: 'Resume a paused campaign',
  description: 'Of one that stopped by itself this accepts what it stopped for: failures count anew.',
});

export const cancelCampaign = steering({
  operationId: 'cancelCampaign',
  verb: 'cancel',
  wanted: 'cancelled',
  summary: 'Cancel a campaign',
  description: 'It starts nobody more, for ever; what it has started goes on to its end.',
});
