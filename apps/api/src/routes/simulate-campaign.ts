import {
  CampaignHeaders,
  CampaignSimulationBody,
  CampaignSimulationResponse,
  campaignBodyBytesMax,
  campaignMessages,
} from '@rekey/contract';
import { simulateCampaign as simulate } from '@rekey/control';
import { simulationJson } from '../campaign-json.ts';
import { askedCampaign, campaignIssues, refusedCampaign } from '../campaign-scope.ts';
import { needInstallation } from '../need-installation.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Nothing is chosen, begun or kept. */
export const simulateCampaign = route({
  operationId: 'simulateCampaign',
  method: 'POST',
  path: '/api/v1/admin/campaigns/simulate',
  permission: 'by_role',
  tag: 'Campaigns',
  summary: 'Say what a campaign would take, without starting it',
  description:
    'The same body as a campaign, without `reason`. Says for how many tenants it would be and whom it would skip, when the last ' +
    'of them would have ended, as a range with what is assumed, and whose key would be overdue by its policy before that. Only ' +
    'reads. Only at `*`, or as `super_admin`.',
  request: { headers: CampaignHeaders, body: CampaignSimulationBody, rules: [campaignIssues] },
  bodyBytesMax: campaignBodyBytesMax,
  answers: { 200: { description: 'What it would take, as of now.', schema: CampaignSimulationResponse } },
  errors: ['TENANT_NOT_FOUND', 'KEK_NOT_FOUND', 'REWRAP_REFUSED'],
  handler:
    ({ campaigns, keys }) =>
    async ({ route: self, body, request }) => {
      needInstallation(request, self);
      const asked = askedCampaign(body);
      const found = await campaigns.facts(asked);
      if (found.kind !== 'found') throw await refusedCampaign(keys, asked.kekName, found);
      const simulated = simulate(asked, found.facts);
      return success<CampaignSimulationResponse>(
        campaignMessages.simulate,
        simulationJson(asked.action, simulated, found.facts.now),
      );
    },
});
