import {
  type Issue,
  RotationHeaders,
  RotationsQuery,
  RotationsResponse,
  rotationsLimitDefault,
  rotationsMessage,
} from '@rekey/contract';
import { isRotationsCursor } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { Check } from 'typebox/value';
import { ApiError } from '../api-error.ts';
import { callerOf, mayActOn, mayActOnAny } from '../auth/caller.ts';
import { rotationJson } from '../rotation-json.ts';
import { route } from '../route.ts';

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
      const asked = (query.tenantId ?? headers['x-tenantid'])?.toLowerCase();
      const tenantId = asked ?? (mayActOnAny(caller, operation) ? undefined : caller.tenantId);
      if (tenantId === null || (tenantId !== undefined && !mayActOn(caller, operation, tenantId)))
        throw new ApiError('INSUFFICIENT_PERMISSIONS');
      const { status, phase, startedAfter, startedBefore, initiatedBy } = query;
      const filter = {
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(status === undefined ? {} : { status }),
        ...(phase === undefined ? {} : { phase }),
        ...(startedAfter === undefined ? {} : { startedAfter: new Date(startedAfter) }),
        ...(startedBefore === undefined ? {} : { startedBefore: new Date(startedBefore) }),
        ...(initiatedBy === undefined ? {} : { initiatedBy }),
      };
      const { cursor = null, limit = rotationsLimitDefault } = query;
      const page = await rotations.list(filter, { after: cursor, limit });
      const answer: RotationsResponse = {
        success: true,
        message: rotationsMessage,
        data: { rotations: page.rotations.map((view) => rotationJson(view, caller)), nextCursor: page.next },
        timestamp: new Date().toISOString(),
      };
      return answer;
    },
});

/** What the schema cannot say: cursors are ours, times are in the calendar, one tenant is named once. */
function isSound({ query, headers }: FastifyRequest): Issue[] {
  if (typeof query !== 'object' || query === null) return [];
  const given: Readonly<Record<string, unknown>> = { ...query };
  const issues: Issue[] = [];
  const { cursor, tenantId } = given;
  if (isText(cursor) && Check(RotationsQuery.properties.cursor, cursor) && !isRotationsCursor(cursor))
    issues.push({ path: 'query.cursor', message: 'is not a nextCursor of ours' });
  for (const name of ['startedAfter', 'startedBefore'] as const) {
    const at = given[name];
    if (isText(at) && Check(RotationsQuery.properties[name], at) && Number.isNaN(Date.parse(at)))
      issues.push({ path: `query.${name}`, message: 'is not a time' });
  }
  const named = headers['x-tenantid'];
  if (isText(tenantId) && isText(named) && tenantId.toLowerCase() !== named.toLowerCase())
    issues.push({ path: 'headers.x-tenantid', message: 'is not the tenantId of the query' });
  return issues;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
