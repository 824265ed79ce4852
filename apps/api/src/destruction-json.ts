import { type DestructionResponse, formatKeyId } from '@rekey/contract';
import type { DestructionView } from '@rekey/control';
import { success } from './success.ts';

/**
 * `seesAll`: whose caller is bound to no tenant. Others are told how many processes and roles are in the way, and not which:
 * these are the installation's.
 */
export function destructionJson(
  view: DestructionView,
  message: DestructionResponse['message'],
  seesAll: boolean,
): DestructionResponse {
  const { request } = view;
  return success<DestructionResponse>(message, {
    keyId: formatKeyId(view.dekId),
    tenantId: view.tenantId,
    state: view.state,
    safeToDestroy: view.conditions.length > 0 && view.conditions.every(({ state }) => state === 'met'),
    conditions: view.conditions.map(({ name, state, evidence }) => ({
      name,
      state,
      evidence: told(evidence, seesAll),
    })),
    request:
      request === null
        ? null
        : { ...request, requestedAt: time(request.requestedAt), dueAt: time(request.dueAt) },
    approvals: view.approvals.map(({ realm, subject, approvedAt }) => ({
      realm,
      subject,
      approvedAt: time(approvedAt),
    })),
    destroyedAt: view.destroyedAt === null ? null : time(view.destroyedAt),
    materialDeleted: view.materialDeleted,
    materialVacuumedAt: view.materialVacuumedAt === null ? null : time(view.materialVacuumedAt),
  });
}

const ofInstallation: ReadonlySet<string> = new Set(['silentProcesses', 'unheardRoles']);

function told(evidence: Readonly<Record<string, unknown>>, seesAll: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(evidence).map(([name, value]) => {
      if (typeof value === 'string' && /(At|Since)$/.test(name)) return [name, time(value)];
      if (!seesAll && ofInstallation.has(name) && Array.isArray(value)) return [name, value.length];
      return [name, value];
    }),
  );
}

function time(text: string): string {
  return new Date(text).toISOString();
}
