import {
  formatRotationId,
  RotationHeaders,
  SummaryQuery,
  SummaryResponse,
  summaryMessage,
} from '@rekey/contract';
import { tenantAsked, tenantIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** What an operator looks at first; of the caller's tenant, where the caller is bound to one. */
export const getSummary = route({
  operationId: 'getSummary',
  method: 'GET',
  path: '/api/v1/admin/summary',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Tell how all rotations stand, and which need a person',
  description: 'Without `tenantId` of the tenant that the token names, or of all tenants for `super_admin`.',
  request: { headers: RotationHeaders, query: SummaryQuery, rules: [tenantIssues] },
  answers: { 200: { description: 'Counts, as of now.', schema: SummaryResponse } },
  errors: [],
  handler:
    ({ rotations }) =>
    async (call) => {
      const tenantId = tenantAsked(call) ?? null;
      const { rotations: byStatus, inNeed, named, ages, standings } = await rotations.summarize(tenantId);
      return success<SummaryResponse>(summaryMessage, {
        tenantId,
        rotations: byStatus,
        needsSomebody: {
          count: Object.values(inNeed).reduce((sum, count) => sum + count, 0),
          byReason: inNeed,
          rotations: named.map(({ id, since, ...rotation }) => ({
            rotationId: formatRotationId(id),
            ...rotation,
            since: since.toISOString(),
          })),
        },
        activeKeyAges: [...ages],
        byPolicy: standings && { ...standings.levels, seenAt: standings.seenAt.toISOString() },
        wrappingsByPolicy: standings && { ...standings.wrappings, seenAt: standings.seenAt.toISOString() },
      });
    },
});
