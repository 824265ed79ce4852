import {
  RotationHeaders,
  type TenantKekBody,
  TenantKekBody as TenantKekBodySchema,
  TenantKekResponse,
  TenantParams,
  tenantKekMessages,
} from '@rekey/contract';
import type { KekChoice } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, isSuperAdmin } from '../auth/caller.ts';
import type { Keys } from '../dependencies.ts';
import { findVisibleTenant } from '../find-visible-tenant.ts';
import { lackingIssues } from '../lacking-issues.ts';
import { whoAndWhat } from '../request-log.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

const path = '/api/v1/admin/tenants/{tenantId}/kek';

/** Its next DEK is wrapped under it; those there are stay where they are. */
export const chooseTenantKek = route({
  operationId: 'chooseTenantKek',
  method: 'PUT',
  path,
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Choose the KEK of a tenant',
  description:
    'A template of the configuration by its name, `kek`, and a word for each that is free in it: `region`, `location`, `ring`, ' +
    '`namespace`, `key`. It is `pending` until a worker has wrapped and unwrapped with it; from then on the next DEK of the ' +
    'tenant is wrapped under it. Until then, and while it is `refused`, the one of before is used. `super_admin` may name a ' +
    'registered KEK, which no tenant has for itself. `null` is the KEK of the installation. A KEK made from a template is its ' +
    "tenant's for ever: another tenant's is `refused` (`KEK_TAKEN`). Repeated it answers 202, and one that waits is tried at once.",
  request: { params: TenantParams, headers: RotationHeaders, body: TenantKekBodySchema },
  answers: { 202: { description: 'It is to be tried.', schema: TenantKekResponse } },
  errors: ['TENANT_NOT_FOUND', 'KEK_NOT_FOUND', 'KEK_REFUSED'],
  handler:
    ({ commands, keys, logger }) =>
    async (call) => {
      const { request, reply, body } = call;
      const caller = callerOf(request);
      const tenantId = findVisibleTenant(call);
      const { kek, reason, ...parts } = body;
      const outcome = await commands.chooseKek(actorOf(caller), {
        tenantId,
        kek,
        parts: wordsOf(parts),
        mayShare: isSuperAdmin(caller),
        reason,
      });
      switch (outcome.kind) {
        case 'chosen':
          logger.info('KEK of a tenant chosen', whoAndWhat(request));
          break;
        case 'unchanged':
          break;
        case 'tenant_not_found':
          throw new ApiError('TENANT_NOT_FOUND');
        case 'kek_not_found':
          throw new ApiError('KEK_NOT_FOUND');
        case 'parts':
          throw new ApiError('INVALID_REQUEST', {
            issues: [{ path: 'body', message: 'has to have the free words of that template, and no others' }],
          });
        case 'lacking':
          throw new ApiError('KEK_REFUSED', { issues: lackingIssues(outcome.lacking) });
      }
      reply.code(202);
      return response(tenantKekMessages.choose, tenantId, await keys.choice(tenantId));
    },
});

export const getTenantKek = route({
  operationId: 'getTenantKek',
  method: 'GET',
  path,
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Which KEK a tenant uses',
  description: 'What was chosen, what came of it, and what the next DEK of the tenant is wrapped under.',
  request: { params: TenantParams, headers: RotationHeaders },
  answers: { 200: { description: 'As it is now.', schema: TenantKekResponse } },
  errors: ['TENANT_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async (call) => {
      const tenantId = findVisibleTenant(call);
      if (!(await keys.tenantExists(tenantId))) throw new ApiError('TENANT_NOT_FOUND');
      return response(tenantKekMessages.get, tenantId, await keys.choice(tenantId));
    },
});

function wordsOf(parts: Omit<TenantKekBody, 'kek' | 'reason'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([part, word]) => (word === undefined ? [] : [[part, word]])),
  );
}

function response(
  message: TenantKekResponse['message'],
  tenantId: string,
  choice: Awaited<ReturnType<Keys['choice']>>,
): TenantKekResponse {
  const { status, kek, parts, trouble, requestedAt, triedAt, inUse } = choice ?? never;
  return success<TenantKekResponse>(message, {
    tenantId,
    status,
    kek,
    parts: { ...parts },
    trouble,
    requestedAt: requestedAt?.toISOString() ?? null,
    triedAt: triedAt?.toISOString() ?? null,
    inUse: inUse === null ? null : { ...inUse, since: inUse.since.toISOString() },
  });
}

/** Of a tenant that has never chosen. */
const never: Omit<KekChoice, 'requestedAt'> & { readonly requestedAt: null } = {
  status: 'active',
  kek: null,
  parts: {},
  trouble: null,
  requestedAt: null,
  triedAt: null,
  inUse: null,
};
