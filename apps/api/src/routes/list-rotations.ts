import {
  type Issue,
  parseRotationId,
  RotationHeaders,
  RotationsQuery,
  RotationsResponse,
  rotationsLimitDefault,
  rotationsMessage,
} from '@rekey/contract';
import { isRotationsCursor } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '../auth/caller.ts';
import { cursorIssues, tenantAsked, tenantIssues, timeIssues } from '../list-filters.ts';
import { rotationJson } from '../rotation-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Whose rotations stand how; of the caller's tenant, where the caller is bound to one. */
export const listRotations = route({
  operationId: 'listRotations',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'List rotations',
  description:
    'The latest first. Without `tenantId` those of the tenant that the token names, or of all tenants for `super_admin`. ' +
    'Progress of one that runs is up to a second old. Give `nextCursor` back as `cursor` for the next page.',
  request: { headers: RotationHeaders, query: RotationsQuery, rules: [isSound] },
  answers: { 200: { description: 'One page of them.', schema: RotationsResponse } },
  errors: [],
  handler:
    ({ rotations }) =>
    async ({ request, route: operation, headers, query }) => {
      const caller = callerOf(request);
      const tenantId = tenantAsked({ request, route: operation, headers, query });
      const { status, phase, startedAfter, startedBefore, initiatedBy, retryOf } = query;
      const retried = retryOf === undefined ? null : parseRotationId(retryOf);
      const filter = {
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(status === undefined ? {} : { status }),
        ...(phase === undefined ? {} : { phase }),
        ...(startedAfter === undefined ? {} : { startedAfter: new Date(startedAfter) }),
        ...(startedBefore === undefined ? {} : { startedBefore: new Date(startedBefore) }),
        ...(initiatedBy === undefined ? {} : { initiatedBy }),
        ...(retried === null ? {} : { retryOf: retried }),
      };
      const { cursor = null, limit = rotationsLimitDefault } = query;
      const page = await rotations.list(filter, { after: cursor, limit });
      return success<RotationsResponse>(rotationsMessage, {
        rotations: page.rotations.map((view) => rotationJson(view, caller)),
        nextCursor: page.next,
      });
    },
});

/** What the schema cannot say: cursors are ours, times are in the calendar, one tenant is named once. */
function isSound(request: FastifyRequest): Issue[] {
  return [
    ...cursorIssues(request, RotationsQuery.properties.cursor, isRotationsCursor),
    ...timeIssues(request, ['startedAfter', 'startedBefore']),
    ...tenantIssues(request),
  ];
}
