import { RewrapPlanBody, RewrapPlanResponse, RotationHeaders, rewrapMessages } from '@rekey/contract';
import { ApiError } from '../api-error.ts';
import { rewrapScope, scopeIssues } from '../rewrap-scope.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';
import { keyCounts } from './list-keks.ts';

/** What a rewrap would come to; nothing is begun. */
export const planRewrap = route({
  operationId: 'planRewrap',
  method: 'POST',
  path: '/api/v1/admin/kek/rewrap/plan',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say what a rewrap would do',
  description:
    'Counts the DEKs under each KEK, of one tenant or of all, and names the live processes that have not proved the KEK that ' +
    'they are to be brought under. Begins nothing.',
  request: { headers: RotationHeaders, body: RewrapPlanBody, rules: [scopeIssues] },
  answers: { 200: { description: 'The plan.', schema: RewrapPlanResponse } },
  errors: ['TENANT_NOT_FOUND', 'KEK_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async ({ request, route: self, body }) => {
      const tenantId = rewrapScope(request, self, body);
      const kekId = await keys.kekId(body.kek);
      if (kekId === null) throw new ApiError('KEK_NOT_FOUND');
      const census = await keys.census(tenantId);
      // A tenant that has no DEK, or is not there: nothing could be brought anywhere.
      if (tenantId !== null && census.length === 0) throw new ApiError('TENANT_NOT_FOUND');
      const keysToRewrap = census
        .filter((one) => one.kekId !== kekId)
        .reduce((sum, { deks }) => sum + Object.values(deks).reduce((all, count) => all + count, 0), 0);
      return success<RewrapPlanResponse>(rewrapMessages.plan, {
        tenantId,
        kek: body.kek,
        kekId,
        census: census.map((one) => ({ kekId: one.kekId, keys: keyCounts(one.deks) })),
        keysToRewrap,
        kmsCalls: 3 * keysToRewrap,
        fingerprint: await keys.fingerprint(tenantId),
        lacking: (await keys.lacking(kekId)).map((process) => ({ ...process })),
      });
    },
});
