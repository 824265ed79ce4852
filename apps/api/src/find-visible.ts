import { parseRotationId, type RotationHeaders, type RotationParams } from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn } from './auth/caller.ts';
import type { Call } from './route.ts';
import type { Status } from './status.ts';

type OfRotation = Call<{ params: typeof RotationParams; headers: typeof RotationHeaders }>;

/**
 * The rotation that a call names. One that does not exist, is not of the tenant in `x-tenantid` (when given), or is of a
 * tenant the caller may not see: ROTATION_NOT_FOUND, the same for all three.
 */
export async function findVisible(
  status: Pick<Status, 'of'>,
  { route, params, headers, request }: Pick<OfRotation, 'route' | 'params' | 'headers' | 'request'>,
): Promise<RotationView> {
  const id = parseRotationId(params.rotationId);
  const view = id === null ? null : await status.of(id);
  const tenantId = headers['x-tenantid'];
  const ofTenant = tenantId === undefined || view?.tenantId === tenantId.toLowerCase();
  if (view === null || !ofTenant || !mayActOn(callerOf(request), route, view.tenantId))
    throw new ApiError('ROTATION_NOT_FOUND');
  request.noted.tenantId = view.tenantId;
  return view;
}
