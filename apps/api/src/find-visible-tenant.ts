import { parseUuid, type RotationHeaders, type TenantParams } from '@rekey/contract';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn } from './auth/caller.ts';
import type { Call } from './route.ts';

type OfTenant = Call<{ params: typeof TenantParams; headers: typeof RotationHeaders }>;

/** The id, in lower case. One that the caller may not see, or that is not the one in `x-tenantid`, is as one that does not exist. */
export function findVisibleTenant({
  route,
  params,
  headers,
  request,
}: Pick<OfTenant, 'route' | 'params' | 'headers' | 'request'>): string {
  const tenantId = parseUuid(params.tenantId);
  const named = headers['x-tenantid']?.toLowerCase() ?? tenantId;
  if (tenantId === null || named !== tenantId || !mayActOn(callerOf(request), route, tenantId))
    throw new ApiError('TENANT_NOT_FOUND');
  request.noted.tenantId = tenantId;
  return tenantId;
}
