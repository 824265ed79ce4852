import { hoursProblem } from '@rekey/calendar';
import { type DefaultPolicyResponse, type Issue, OpenHoursList, type PolicyResponse } from '@rekey/contract';
import type { PolicyView } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { Check } from 'typebox/value';

export function policyJson(view: PolicyView): DefaultPolicyResponse['data'] {
  const { version, putAt, policy, effective, protection } = view;
  return {
    version,
    putAt: putAt?.toISOString() ?? null,
    // As it was checked when it was put.
    policy: policy as DefaultPolicyResponse['data']['policy'],
    effective: effective as DefaultPolicyResponse['data']['effective'],
    protection: { ...protection },
  };
}

/** What only a tenant's has: what the default leaves to it, and how its active DEK stands. */
export function ofTenantJson({
  defaultVersion,
  byDefault,
  bounds,
  standing,
  wrapping,
}: PolicyView): Pick<
  PolicyResponse['data'],
  'defaultVersion' | 'byDefault' | 'bounds' | 'standing' | 'wrapping'
> {
  return {
    defaultVersion,
    byDefault: byDefault as PolicyResponse['data']['byDefault'],
    bounds: { ...bounds },
    standing: standingJson(standing),
    wrapping: wrappingJson(wrapping),
  };
}

export function wrappingJson(wrapping: PolicyView['wrapping']): PolicyResponse['data']['wrapping'] {
  return (
    wrapping && {
      level: wrapping.level,
      wrappedAt: wrapping.wrappedAt.toISOString(),
      dueAt: wrapping.dueAt.toISOString(),
      overdueAt: wrapping.overdueAt.toISOString(),
      tries: wrapping.tries,
      triedAt: wrapping.triedAt?.toISOString() ?? null,
    }
  );
}

export function standingJson(standing: PolicyView['standing']): PolicyResponse['data']['standing'] {
  return (
    standing && {
      level: standing.level,
      dueAt: standing.dueAt?.toISOString() ?? null,
      overdueAt: standing.overdueAt?.toISOString() ?? null,
      tries: standing.tries,
      triedAt: standing.triedAt?.toISOString() ?? null,
    }
  );
}

/** Windows name time zones that there are, and open within a week. What the schema refuses it has refused. */
export function hoursIssues({ body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null || !('windows' in body)) return [];
  const { windows } = body;
  if (!Check(OpenHoursList, windows) || windows === null) return [];
  const problem = hoursProblem(windows, Date.now());
  return problem === null ? [] : [{ path: 'body.windows', message: problem }];
}
