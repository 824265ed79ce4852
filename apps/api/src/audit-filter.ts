import { type AuditExportQuery, parseRotationId, type RotationHeaders } from '@rekey/contract';
import type { AuditFilter } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { tenantAsked } from './list-filters.ts';
import type { Route } from './route.ts';

interface Asked {
  readonly request: FastifyRequest;
  readonly route: Route;
  readonly headers: Static<typeof RotationHeaders>;
  readonly query: Static<typeof AuditExportQuery>;
}

/** Which events a call asks for, of those that the caller may see. */
export function auditFilter({ request, route, headers, query }: Asked): AuditFilter {
  const chain = tenantAsked({ request, route, headers, query });
  const { kind, actor, rotationId, recordedAfter, recordedBefore } = query;
  const rotation = rotationId === undefined ? null : parseRotationId(rotationId);
  return {
    ...(chain === undefined ? {} : { chain }),
    ...(kind === undefined ? {} : { kind }),
    ...(actor === undefined ? {} : { actor }),
    ...(rotation === null ? {} : { rotationId: rotation }),
    ...(recordedAfter === undefined ? {} : { from: new Date(recordedAfter) }),
    ...(recordedBefore === undefined ? {} : { before: new Date(recordedBefore) }),
  };
}
