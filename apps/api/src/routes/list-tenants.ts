import {
  formatKeyId,
  formatRotationId,
  RotationHeaders,
  type Tenant,
  TenantsQuery,
  TenantsResponse,
  tenantsLimitDefault,
  tenantsMessage,
} from '@rekey/contract';
import type { TenantView } from '@rekey/control';
import { tenantAsked, tenantIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Who is due, overdue or in need of a person; of the caller's tenant, where the caller is bound to one. */
export const listTenants = route({
  operationId: 'listTenants',
  method: 'GET',
  path: '/api/v1/admin/tenants',
  permission: 'by_role',
  tag: 'Policies',
  summary: 'List tenants, and how their keys stand by their policies',
  description:
    'In the order of their ids; with `level` only those whose DEK in use stands so, with `wrapping` those whose wrapping does. Without `tenantId` the tenant that the token ' +
    'names, or all of them for `super_admin`. A worker looks how they stand every ten seconds; `seenAt` says when it last did. ' +
    'Give `nextCursor` back as `cursor` for the next page.',
  request: { headers: RotationHeaders, query: TenantsQuery, rules: [tenantIssues] },
  answers: { 200: { description: 'One page of them.', schema: TenantsResponse } },
  errors: [],
  handler:
    ({ policies }) =>
    async (call) => {
      const tenantId = tenantAsked(call) ?? null;
      const { level = null, wrapping = null, cursor = null, limit = tenantsLimitDefault } = call.query;
      const page = await policies.tenants({ tenantId, level, wrapping }, { after: cursor, limit });
      return success<TenantsResponse>(tenantsMessage, {
        tenants: page.tenants.map(tenantJson),
        seenAt: page.seenAt?.toISOString() ?? null,
        nextCursor: page.next,
      });
    },
});

function tenantJson({ activeKey, rotationId, ...view }: TenantView): Tenant {
  return {
    tenantId: view.tenantId,
    name: view.name,
    createdAt: view.createdAt.toISOString(),
    activeKey:
      activeKey === null
        ? null
        : {
            keyId: formatKeyId(activeKey.id),
            keyNumber: activeKey.keyNumber,
            activatedAt: activeKey.activatedAt.toISOString(),
          },
    level: view.level,
    dueAt: view.dueAt?.toISOString() ?? null,
    overdueAt: view.overdueAt?.toISOString() ?? null,
    tries: view.tries,
    wrapping: view.wrapping && { ...view.wrapping, overdueAt: view.wrapping.overdueAt.toISOString() },
    rotationId: rotationId === null ? null : formatRotationId(rotationId),
  };
}
