import {
  FailuresQuery,
  FailuresResponse,
  failuresLimitDefault,
  failuresMessage,
  formatRotationId,
  type Issue,
  RotationHeaders,
  RotationParams,
} from '@rekey/contract';
import { type FailurePage, isFailuresCursor, type RotationView } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { Check } from 'typebox/value';
import { findVisible } from '../find-visible.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Which records were set aside and why; never what is in them. */
export const listRotationFailures = route({
  operationId: 'listRotationFailures',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/failures',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'List the records that a rotation set aside',
  description:
    'Records that were left as they are: they would not open under their key, or the database refused to update them. Give `nextCursor` back as `cursor` for the next page.',
  request: { params: RotationParams, headers: RotationHeaders, query: FailuresQuery, rules: [cursorIsOurs] },
  answers: { 200: { description: 'One page of them.', schema: FailuresResponse } },
  errors: ['ROTATION_NOT_FOUND'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const { cursor = null, limit = failuresLimitDefault } = call.query;
      return failuresResponse(view, await rotations.failures(view.id, { after: cursor, limit }));
    },
});

/** Speaks only of one that is well formed for the schema; any other has an issue of its own. */
function cursorIsOurs({ query }: FastifyRequest): Issue[] {
  const cursor = typeof query === 'object' && query !== null && 'cursor' in query ? query.cursor : undefined;
  if (typeof cursor !== 'string' || !Check(FailuresQuery.properties.cursor, cursor)) return [];
  return isFailuresCursor(cursor) ? [] : [{ path: 'query.cursor', message: 'is not a nextCursor of ours' }];
}

function failuresResponse(view: RotationView, page: FailurePage): FailuresResponse {
  return success<FailuresResponse>(failuresMessage, {
    rotationId: formatRotationId(view.id),
    tenantId: view.tenantId,
    failures: page.failures.map(({ itemType, target, recordId, reason, at }) => ({
      itemType,
      target,
      recordId,
      reason,
      at: at.toISOString(),
    })),
    nextCursor: page.next,
  });
}
