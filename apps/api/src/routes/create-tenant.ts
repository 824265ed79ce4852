import {
  formatKeyId,
  formatRotationId,
  NewTenantBody,
  NewTenantHeaders,
  NewTenantResponse,
  newTenantMessage,
} from '@rekey/contract';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf } from '../auth/caller.ts';
import { needInstallation } from '../need-installation.ts';
import { whoAndWhat } from '../request-log.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** The answer does not wait for the key. */
export const createTenant = route({
  operationId: 'createTenant',
  method: 'POST',
  path: '/api/v1/admin/tenants',
  permission: 'by_role',
  tag: 'Tenants',
  summary: 'Make a tenant',
  description:
    'A tenant without records, whose first DEK a worker makes: this service holds no key. It is usable once `keyId` is told, or ' +
    '`rotationId` is `completed`. Idempotent by `tenantId`: repeated it answers with what there is by now; with another name it ' +
    'answers 409 and changes nothing. Only at `*`, or as `super_admin`.',
  request: { headers: NewTenantHeaders, body: NewTenantBody },
  answers: { 200: { description: 'It is there.', schema: NewTenantResponse } },
  errors: ['TENANT_EXISTS'],
  handler:
    ({ commands, logger }) =>
    async ({ route: self, body, request }) => {
      needInstallation(request, self);
      const caller = callerOf(request);
      const tenantId = body.tenantId.toLowerCase();
      request.noted.tenantId = tenantId;
      const { outcome, createdAt, dekId, rotationId } = await commands.createTenant(actorOf(caller), {
        tenantId,
        name: body.name,
      });
      if (outcome === 'other_name') throw new ApiError('TENANT_EXISTS');
      if (outcome === 'added') logger.info('tenant created', whoAndWhat(request));
      return success<NewTenantResponse>(newTenantMessage, {
        tenantId,
        name: body.name,
        createdAt: createdAt.toISOString(),
        keyId: dekId === null ? null : formatKeyId(dekId),
        rotationId: rotationId === null ? null : formatRotationId(rotationId),
      });
    },
});
