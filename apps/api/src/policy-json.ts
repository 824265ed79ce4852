import { hoursProblem } from '@rekey/calendar';
import { type DefaultPolicyResponse, type Issue, OpenHoursList } from '@rekey/contract';
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

/** Windows name time zones that there are, and open within a week. What the schema refuses it has refused. */
export function hoursIssues({ body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null || !('windows' in body)) return [];
  const { windows } = body;
  if (!Check(OpenHoursList, windows) || windows === null) return [];
  const problem = hoursProblem(windows, Date.now());
  return problem === null ? [] : [{ path: 'body.windows', message: problem }];
}
