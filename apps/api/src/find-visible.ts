import { parseRotationId } from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn } from './auth/caller.ts';
import type { ApiDependencies } from './dependencies.ts';

/**
 * The rotation of that id. One that does not exist, is not of `tenantId` (when given), or is of a tenant the caller may
 * not see: ROTATION_NOT_FOUND, the same for all three.
 */
export async function findVisible(
  { status }: Pick<ApiDependencies, 'status'>,
  request: FastifyRequest,
  { rotationId, tenantId }: { readonly rotationId: string; readonly tenantId: string | undefined },
): Promise<RotationView> {
  const id = parseRotationId(rotationId);
  const view = id === null ? null : await status.of(id);
  const caller = callerOf(request);
  const ofTenant = tenantId === undefined || view?.tenantId === tenantId.toLowerCase();
  if (view === null || !ofTenant || !mayActOn(caller, view.tenantId))
    throw new ApiError('ROTATION_NOT_FOUND');
  request.noted.tenantId = view.tenantId;
  return view;
}
