import { createHash } from 'node:crypto';
import {
  CampaignBody,
  CampaignResponse,
  campaignBodyBytesMax,
  campaignMessages,
  StartCampaignHeaders,
} from '@rekey/contract';
import type { CampaignView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, identityOf } from '../auth/caller.ts';
import { asItBegan, campaignJson } from '../campaign-json.ts';
import { askedCampaign, campaignIssues, refusedCampaign } from '../campaign-scope.ts';
import { needInstallation } from '../need-installation.ts';
import { whoAndWhat } from '../request-log.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** The answer does not wait for any of the work. */
export const startCampaign = route({
  operationId: 'startCampaign',
  method: 'POST',
  path: '/api/v1/admin/campaigns',
  permission: 'by_role',
  tag: 'Campaigns',
  summary: 'Do the same for many tenants',
  description:
    'Rotates the DEKs of many tenants, or brings them under another KEK, one after another within bounds: canaries first, so ' +
    'many at once, so many within an hour, until too many fail. Only at `*`, or as `super_admin`. Exactly one of `all`, ' +
    '`onKek`, `olderThanDays` and `tenantIds` says whom; they are chosen once, now. A worker starts them; what has not ' +
    'started is in no queue. A tenant that has a rotation already is skipped, with that as the reason.',
  request: { headers: StartCampaignHeaders, body: CampaignBody, rules: [campaignIssues] },
  bodyBytesMax: campaignBodyBytesMax,
  answers: {
    200: { description: 'The campaign is on its way; poll it by its id.', schema: CampaignResponse },
  },
  errors: ['TENANT_NOT_FOUND', 'KEK_NOT_FOUND', 'REWRAP_REFUSED', 'IDEMPOTENCY_KEY_REUSED'],
  handler:
    ({ commands, keys, logger }) =>
    async ({ route: self, headers, body, request }) => {
      needInstallation(request, self);
      const caller = callerOf(request);
      const asked = { ...askedCampaign(body), reason: body.reason ?? null };
      const key = headers['idempotency-key'];
      const outcome = await commands.startCampaign(actorOf(caller), {
        ...asked,
        idempotency:
          key === undefined
            ? null
            : {
                caller: identityOf(caller),
                key,
                bodyHash: createHash('sha256').update(JSON.stringify(asked)).digest(),
              },
      });
      switch (outcome.kind) {
        case 'started':
          logger.info('campaign started', { ...whoAndWhat(request), campaignId: outcome.view.id });
          return started(outcome.view);
        case 'replayed':
          return started(outcome.view);
        case 'mismatch':
          throw new ApiError('IDEMPOTENCY_KEY_REUSED');
        default:
          throw await refusedCampaign(keys, asked.kekName, outcome);
      }
    },
});

/** The same to the byte for whoever repeats the call with its key. */
function started(view: CampaignView): string {
  return JSON.stringify(
    success<CampaignResponse>(campaignMessages.start, campaignJson(asItBegan(view)), view.startedAt),
  );
}
