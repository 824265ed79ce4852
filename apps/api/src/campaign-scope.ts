import {
  type CampaignBody,
  type CampaignSimulationBody,
  campaignDefaults,
  campaignWhom,
  type Issue,
} from '@rekey/contract';
import type { CampaignAction, CampaignBounds, CampaignWhom } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import type { Keys } from './dependencies.ts';
import { lackingIssues } from './lacking-issues.ts';

/** What the fields of a body have to agree on. */
export function campaignIssues({ body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null) return [];
  const given: Record<string, unknown> = { ...body };
  const issues: Issue[] = [];
  if (campaignWhom.filter((name) => given[name] !== undefined).length !== 1)
    issues.push({ path: 'body.all', message: `or one other of ${campaignWhom.join(', ')} has to be given` });
  if ((given.action === 'rewrap') !== (given.kek !== undefined))
    issues.push({ path: 'body.kek', message: 'has to be given with rewrap, and only then' });
  if (given.callsPerSecondMax !== undefined && given.action !== 'rewrap')
    issues.push({ path: 'body.callsPerSecondMax', message: 'is of rewraps only' });
  if (given.order === 'as_given' && given.tenantIds === undefined)
    issues.push({ path: 'body.order', message: 'can be as_given with tenantIds only' });
  return issues;
}

export interface AskedCampaign extends CampaignBounds {
  readonly action: CampaignAction;
  readonly whom: CampaignWhom;
  readonly kekName: string | null;
  readonly callsPerSecondMax: number;
}

/** What a body asks for, with what it leaves out. */
export function askedCampaign(body: CampaignBody | CampaignSimulationBody): AskedCampaign {
  return {
    action: body.action ?? campaignDefaults.action,
    whom: whomOf(body),
    kekName: body.kek ?? null,
    order: body.order ?? campaignDefaults.order,
    canaries: body.canaries ?? campaignDefaults.canaries,
    atOnceMax: body.atOnceMax ?? campaignDefaults.atOnceMax,
    perHourMax: body.perHourMax ?? null,
    failuresMax: body.failuresMax ?? campaignDefaults.failuresMax,
    callsPerSecondMax: body.callsPerSecondMax ?? campaignDefaults.callsPerSecondMax,
  };
}

function whomOf({ onKek, olderThanDays, tenantIds }: CampaignBody | CampaignSimulationBody): CampaignWhom {
  if (tenantIds !== undefined) return { tenantIds: [...new Set(tenantIds.map((id) => id.toLowerCase()))] };
  if (onKek !== undefined) return { onKek };
  if (olderThanDays !== undefined) return { olderThanDays };
  return { all: true };
}

type Refused =
  | { readonly kind: 'tenant_not_found'; readonly unknown: readonly string[] }
  | { readonly kind: 'kek_not_found' | 'lacking' };

/** Why there can be no such campaign now. */
export async function refusedCampaign(
  keys: Keys,
  kekName: string | null,
  outcome: Refused,
): Promise<ApiError> {
  switch (outcome.kind) {
    case 'tenant_not_found':
      return new ApiError('TENANT_NOT_FOUND', {
        issues: outcome.unknown.map((id) => ({ path: 'body.tenantIds', message: `${id} is no tenant` })),
      });
    case 'lacking': {
      const kekId = kekName === null ? null : await keys.kekId(kekName);
      return new ApiError('REWRAP_REFUSED', {
        issues: lackingIssues(kekId === null ? [] : await keys.lacking(kekId)),
      });
    }
    case 'kek_not_found':
      return new ApiError('KEK_NOT_FOUND');
  }
}
