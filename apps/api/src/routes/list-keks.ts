import { KeksQuery, KeksResponse, keksMessage, RotationHeaders } from '@rekey/contract';
import type { KekView } from '@rekey/control';
import { tenantAsked, tenantIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Which KEKs there are, without where: this process knows no URI. */
export const listKeks = route({
  operationId: 'listKeks',
  method: 'GET',
  path: '/api/v1/admin/keks',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'List key encryption keys',
  description:
    'Those that the configuration of workers names, and those that DEKs are under; how many DEKs each has, and which live ' +
    'processes have wrapped and unwrapped with it (every ten minutes). One without DEKs of any state is unused. With ' +
    "`tenantId`, and for who is bound to one, that tenant's DEKs only.",
  request: { headers: RotationHeaders, query: KeksQuery, rules: [tenantIssues] },
  answers: { 200: { description: 'All of them, by name.', schema: KeksResponse } },
  errors: [],
  handler:
    ({ keys }) =>
    async (call) => {
      const tenantId = tenantAsked(call) ?? null;
      const found = await keys.keks(tenantId);
      return success<KeksResponse>(keksMessage, {
        keks: found.map((view) => kekJson(view, tenantId === null)),
      });
    },
});

export function keyCounts({ pre_active: preActive, active, deactivated, compromised }: KekView['deks']) {
  return { preActive, active, deactivated, compromised };
}

function kekJson({ name, kekId, registeredAt, deks, holders }: KekView, withProcesses: boolean) {
  return {
    name,
    kekId,
    provider: kekId.slice(0, Math.max(0, kekId.indexOf(':'))),
    registeredAt: registeredAt?.toISOString() ?? null,
    keys: keyCounts(deks),
    workers: holders.filter(({ kind }) => kind === 'worker').length,
    vaults: holders.filter(({ kind }) => kind === 'vault').length,
    processes: withProcesses
      ? holders.map(({ processId, kind, host, provedAt }) => ({
          processId,
          kind,
          host,
          provedAt: provedAt.toISOString(),
        }))
      : [],
  };
}
