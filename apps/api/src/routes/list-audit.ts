import { AuditQuery, AuditResponse, auditLimitDefault, auditMessage, RotationHeaders } from '@rekey/contract';
import { isAuditCursor } from '@rekey/control';
import { auditFilter } from '../audit-filter.ts';
import { cursorIssues, tenantIssues, timeIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Who did what; of the caller's tenant, where the caller is bound to one. */
export const listAudit = route({
  operationId: 'listAudit',
  method: 'GET',
  path: '/api/v1/admin/audit',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'List what was recorded: who did what',
  description:
    'The latest first. Without `tenantId` events of the tenant that the token names, or of all chains, that of the ' +
    'installation among them, for `super_admin`. `hash` covers all of `event` and nothing else, so that anybody can ' +
    'recompute it. Give `nextCursor` back as `cursor` for the next page.',
  request: {
    headers: RotationHeaders,
    query: AuditQuery,
    rules: [
      (request) => [
        ...cursorIssues(request, AuditQuery.properties.cursor, isAuditCursor),
        ...timeIssues(request, ['recordedAfter', 'recordedBefore']),
        ...tenantIssues(request),
      ],
    ],
  },
  answers: { 200: { description: 'One page of events.', schema: AuditResponse } },
  errors: [],
  handler:
    ({ audit }) =>
    async (call) => {
      const { cursor = null, limit = auditLimitDefault } = call.query;
      const page = await audit.list(auditFilter(call), { after: cursor, limit });
      return success<AuditResponse>(auditMessage, { events: page.events, nextCursor: page.next });
    },
});
