import {
  FailuresQuery,
  type FailuresResponse,
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
import type { ApiDependencies } from '../dependencies.ts';
import { findVisible } from '../find-visible.ts';
import type { Guards } from '../guards.ts';
import { answers, readErrors } from '../openapi-answers.ts';
import { validated } from '../validate.ts';
import { type ApiInstance, rotationPath } from './api-instance.ts';

/** `GET …/failures`: which records were set aside and why; never what is in them. */
export function addFailuresRoute(app: ApiInstance, guards: Guards, deps: ApiDependencies): void {
  const schema = { headers: RotationHeaders, querystring: FailuresQuery };
  app.get(
    `${rotationPath}/failures`,
    {
      schema: { ...schema, params: RotationParams, ...documentation },
      onRequest: [...guards.read],
      preValidation: validated(schema, [cursorIsOurs]),
    },
    async (request) => {
      const view = await findVisible(deps, request, {
        rotationId: request.params.rotationId,
        tenantId: request.headers['x-tenantid'],
      });
      const { cursor = null, limit = failuresLimitDefault } = request.query;
      return failuresResponse(view, await deps.rotations.failures(view.id, { after: cursor, limit }));
    },
  );
}

/** Speaks only of one that is well formed for the schema; any other has an issue of its own. */
function cursorIsOurs({ query }: FastifyRequest): Issue[] {
  const cursor = typeof query === 'object' && query !== null && 'cursor' in query ? query.cursor : undefined;
  if (typeof cursor !== 'string' || !Check(FailuresQuery.properties.cursor, cursor)) return [];
  return isFailuresCursor(cursor) ? [] : [{ path: 'query.cursor', message: 'is not a nextCursor of ours' }];
}

function failuresResponse(view: RotationView, page: FailurePage): FailuresResponse {
  return {
    success: true,
    message: failuresMessage,
    data: {
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
    },
    timestamp: new Date().toISOString(),
  };
}

const documentation = {
  operationId: 'listRotationFailures',
  tags: ['DEK rotation'],
  summary: 'List the records that a rotation set aside',
  description:
    'Records that were left as they are: they would not open under their key, or the database refused to update them. Give `nextCursor` back as `cursor` for the next page.',
  response: answers('Failures', 'One page of them.', readErrors),
};
