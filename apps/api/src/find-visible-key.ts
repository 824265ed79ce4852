import { type KeyParams, parseKeyId, type RotationHeaders } from '@rekey/contract';
import type { KeyView } from '@rekey/control';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOn } from './auth/caller.ts';
import type { Keys } from './dependencies.ts';
import type { Call } from './route.ts';

type OfKey = Call<{ params: typeof KeyParams; headers: typeof RotationHeaders }>;

/**
 * The key that a call names. One that does not exist, is not of the tenant in `x-tenantid` (when given), or is of a tenant the
 * caller may not see: KEY_NOT_FOUND, the same for all three.
 */
export async function findVisibleKey(
  keys: Pick<Keys, 'find'>,
  { route, params, headers, request }: Pick<OfKey, 'route' | 'params' | 'headers' | 'request'>,
): Promise<KeyView> {
  const id = parseKeyId(params.keyId);
  const key = id === null ? null : await keys.find(id);
  const tenantId = headers['x-tenantid'];
  const ofTenant = tenantId === undefined || key?.tenantId === tenantId.toLowerCase();
  if (key === null || !ofTenant || !mayActOn(callerOf(request), route, key.tenantId))
    throw new ApiError('KEY_NOT_FOUND');
  request.noted.tenantId = key.tenantId;
  return key;
}
