import {
  formatKeyId,
  formatRotationId,
  RotationHeaders,
  sealsMax,
  TenantParams,
  TenantResponse,
  type TenantState,
  tenantMessage,
} from '@rekey/contract';
import type { KekView, KeyView, PolicyView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import type { Keys } from '../dependencies.ts';
import { findVisibleTenant } from '../find-visible-tenant.ts';
import { standingJson, wrappingJson } from '../policy-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** All that is asked of one tenant, in one answer. */
export const getTenant = route({
  operationId: 'getTenant',
  method: 'GET',
  path: '/api/v1/admin/tenants/{tenantId}',
  permission: 'by_role',
  tag: 'Policies',
  summary: 'Say how a tenant stands',
  description:
    'Its DEK in use and what that is wrapped under, how many of its records stand under it, which policy holds by whose word, how the ' +
    'DEK stands by that as of now, and the unfinished rotation. The records are counted for it: a second or so for each million.',
  request: { params: TenantParams, headers: RotationHeaders },
  answers: { 200: { description: 'As it is now.', schema: TenantResponse } },
  errors: ['TENANT_NOT_FOUND'],
  handler:
    ({ policies, keys, rotations }) =>
    async (call) => {
      const tenantId = findVisibleTenant(call);
      const { tenants } = await policies.tenants(
        { tenantId, level: null, wrapping: null },
        { after: null, limit: 1 },
      );
      const [tenant] = tenants;
      const policy = tenant === undefined ? null : await policies.ofTenant(tenantId);
      if (tenant === undefined || policy === null) throw new ApiError('TENANT_NOT_FOUND');
      const [census, running] = await Promise.all([
        keys.keks(tenantId),
        tenant.rotationId === null ? null : rotations.find(tenant.rotationId),
      ]);
      const key = await activeKey(keys, tenantId);
      return success<TenantResponse>(tenantMessage, {
        tenantId,
        name: tenant.name,
        createdAt: tenant.createdAt.toISOString(),
        activeKey: key && activeKeyJson(key, census),
        keys: countStates(census),
        coverage: await coverage(keys, tenantId, key),
        policy: {
          version: policy.version,
          defaultVersion: policy.defaultVersion,
          effective: policy.effective as TenantState['policy']['effective'],
          source: sources(policy),
        },
        standing: standingJson(policy.standing),
        wrapping: wrappingJson(policy.wrapping),
        rotation: running && {
          rotationId: formatRotationId(running.view.id),
          status: running.view.status,
          phase: running.view.phase,
        },
      });
    },
});

type Reading = Pick<Keys, 'list' | 'records'>;

async function activeKey(keys: Reading, tenantId: string): Promise<KeyView | null> {
  const { keys: found } = await keys.list({ tenantId, state: 'active' }, { after: null, limit: 1 });
  return found[0] ?? null;
}

function activeKeyJson(key: KeyView, census: readonly KekView[]): TenantState['activeKey'] {
  const activatedAt = key.activatedAt ?? key.createdAt;
  const { kekId, wrapVersion, wrappedAt } = key;
  return {
    keyId: formatKeyId(key.id),
    keyNumber: key.keyNumber,
    activatedAt: activatedAt.toISOString(),
    ageSeconds: Math.max(0, Math.floor((Date.now() - activatedAt.getTime()) / 1_000)),
    seals: key.seals,
    sealsMax,
    kek:
      kekId === null || wrapVersion === null || wrappedAt === null
        ? null
        : {
            name: census.find((one) => one.kekId === kekId)?.name ?? null,
            kekId,
            wrapVersion,
            wrappedAt: wrappedAt.toISOString(),
          },
  };
}

function countStates(census: readonly KekView[]): TenantState['keys'] {
  const counted = { pre_active: 0, active: 0, deactivated: 0, compromised: 0 };
  for (const { deks } of census)
    for (const state of Object.keys(counted) as (keyof typeof counted)[]) counted[state] += deks[state];
  return counted;
}

async function coverage(
  keys: Reading,
  tenantId: string,
  key: KeyView | null,
): Promise<TenantState['coverage']> {
  const counted = await keys.records(tenantId);
  const sum = (of: typeof counted): number => of.reduce((total, { records }) => total + records, 0);
  const records = sum(counted);
  const underActiveKey = sum(counted.filter(({ keyNumber }) => keyNumber === key?.keyNumber));
  return { records, underActiveKey, share: records === 0 ? 1 : underActiveKey / records };
}

/** Where its own word is not what holds, the default's bounds say otherwise. */
function sources({ policy, effective }: PolicyView): TenantState['policy']['source'] {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const entries = Object.entries(effective).map(([name, holds]) => {
    const own = policy[name as keyof typeof effective];
    return [name, own === undefined ? 'default' : same(own, holds) ? 'tenant' : 'bounds'];
  });
  return Object.fromEntries(entries);
}
