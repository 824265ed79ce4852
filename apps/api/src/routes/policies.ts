import {
  DefaultPolicyBody,
  DefaultPolicyResponse,
  type Issue,
  PolicyBody,
  PolicyParams,
  PolicyResponse,
  PutPolicyHeaders,
  parseUuid,
  policyMessages,
  RotationHeaders,
} from '@rekey/contract';
import type { DefaultPolicy, PolicyView } from '@rekey/control';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, mayActOn, mayActOnAny } from '../auth/caller.ts';
import type { Policies } from '../dependencies.ts';
import { hoursIssues, ofTenantJson, policyJson } from '../policy-json.ts';
import { whoAndWhat } from '../request-log.ts';
import { type Call, type Route, type RouteContext, route } from '../route.ts';
import { success } from '../success.ts';

const tenantPath = '/api/v1/admin/tenants/{tenantId}/policy';
const defaultPath = '/api/v1/admin/policies/default';
const tag = 'Policies';
const permission = 'by_role';
const headers = RotationHeaders;

function mustBeInstallations({ route: self, request }: { route: Route; request: FastifyRequest }): void {
  if (!mayActOnAny(callerOf(request), self)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
}

type OfTenant = Call<{ params: typeof PolicyParams; headers: typeof RotationHeaders }>;

/** Whose it is, in lower case, if the caller may; `x-tenantid` names the same tenant, where it is sent. */
function tenantOf({ route: self, request, params }: Pick<OfTenant, 'route' | 'request' | 'params'>): string {
  const tenantId = parseUuid(params.tenantId);
  if (tenantId === null) throw new ApiError('TENANT_NOT_FOUND');
  if (!mayActOn(callerOf(request), self, tenantId)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
  request.noted.tenantId = tenantId;
  return tenantId;
}

function tenantIssues(request: FastifyRequest): Issue[] {
  const { tenantId } = request.params as { tenantId?: string };
  const named = request.headers['x-tenantid'];
  const differ = typeof named === 'string' && tenantId?.toLowerCase() !== named.toLowerCase();
  return differ ? [{ path: 'headers.x-tenantid', message: 'is not the tenant of the path' }] : [];
}

function tenantResponse(
  tenantId: string,
  view: PolicyView,
  message: PolicyResponse['message'],
  reply: FastifyReply,
) {
  reply.header('etag', `"${view.version}"`);
  return success<PolicyResponse>(message, {
    tenantId,
    ...policyJson(view),
    ...ofTenantJson(view),
  });
}

function defaultResponse(view: PolicyView, message: DefaultPolicyResponse['message'], reply: FastifyReply) {
  reply.header('etag', `"${view.version}"`);
  return success<DefaultPolicyResponse>(message, policyJson(view));
}

async function found(policies: Policies, tenantId: string): Promise<PolicyView> {
  const view = await policies.ofTenant(tenantId);
  if (view === null) throw new ApiError('TENANT_NOT_FOUND');
  return view;
}

interface Putting {
  readonly tenantId: string | null;
  readonly policy: DefaultPolicy;
  readonly reason: string | undefined;
  readonly ifMatch: string | undefined;
}

async function put(
  { commands, logger }: Pick<RouteContext, 'commands' | 'logger'>,
  request: FastifyRequest,
  { tenantId, policy, reason, ifMatch }: Putting,
): Promise<PolicyView> {
  if (ifMatch === undefined) throw new ApiError('PRECONDITION_REQUIRED');
  const expected = Number(ifMatch.slice(1, -1));
  const order = { tenantId, policy, expected, reason };
  const outcome = await commands.putPolicy(actorOf(callerOf(request)), order);
  switch (outcome.kind) {
    case 'tenant_not_found':
      throw new ApiError('TENANT_NOT_FOUND');
    case 'mismatch':
      throw new ApiError('PRECONDITION_FAILED');
    case 'refused':
      throw new ApiError('INVALID_REQUEST', {
        issues: outcome.problems.map(({ field, problem }) => ({ path: `body.${field}`, message: problem })),
      });
    case 'changed':
      logger.info('policy changed', whoAndWhat(request));
      return outcome.view;
    case 'unchanged':
      return outcome.view;
  }
}

export const getDefaultPolicy = route({
  operationId: 'getDefaultPolicy',
  method: 'GET',
  path: defaultPath,
  permission,
  tag,
  summary: 'Read the default policy and the bounds that it sets',
  description: 'Only at `*`, or as `super_admin`.',
  request: { headers },
  answers: {
    200: { description: 'The default policy; its `ETag` is its version.', schema: DefaultPolicyResponse },
  },
  errors: [],
  handler:
    ({ policies }) =>
    async (call) => {
      mustBeInstallations(call);
      return defaultResponse(await policies.standard(), policyMessages.get, call.reply);
    },
});

export const putDefaultPolicy = route({
  operationId: 'putDefaultPolicy',
  method: 'PUT',
  path: defaultPath,
  permission,
  tag,
  summary: 'Replace the default policy',
  description:
    'Only at `*`, or as `super_admin`. It holds for every tenant as far as its own policy says nothing else. `destroyAfterDays` can only be ' +
    'lengthened. `If-Match` names the version that is replaced. What a rotation began by stays as it was.',
  request: { headers: PutPolicyHeaders, body: DefaultPolicyBody, rules: [hoursIssues] },
  answers: { 200: { description: 'The policy as it is stored.', schema: DefaultPolicyResponse } },
  errors: ['PRECONDITION_REQUIRED', 'PRECONDITION_FAILED'],
  handler: (context) => async (call) => {
    mustBeInstallations(call);
    const { reason, ...policy } = call.body;
    const order = {
      tenantId: null,
      policy: policy as DefaultPolicy,
      reason,
      ifMatch: call.headers['if-match'],
    };
    return defaultResponse(await put(context, call.request, order), policyMessages.put, call.reply);
  },
});

export const getTenantPolicy = route({
  operationId: 'getTenantPolicy',
  method: 'GET',
  path: tenantPath,
  permission,
  tag,
  summary: "Read a tenant's policy, and what holds for the tenant",
  request: { params: PolicyParams, headers, rules: [tenantIssues] },
  answers: {
    200: { description: 'Its own policy and what holds; the `ETag` is its version.', schema: PolicyResponse },
  },
  errors: ['TENANT_NOT_FOUND'],
  handler:
    ({ policies }) =>
    async (call) => {
      const tenantId = tenantOf(call);
      return tenantResponse(tenantId, await found(policies, tenantId), policyMessages.get, call.reply);
    },
});

export const putTenantPolicy = route({
  operationId: 'putTenantPolicy',
  method: 'PUT',
  path: tenantPath,
  permission,
  tag,
  summary: "Replace a tenant's policy",
  description:
    'Field by field it takes the place of the default, within the bounds that the default sets; what it leaves out is the default’s. ' +
    '`destroyAfterDays` can only be longer than there. `If-Match` names the version that is replaced, `"0"` where there is none yet.',
  request: {
    params: PolicyParams,
    headers: PutPolicyHeaders,
    body: PolicyBody,
    rules: [tenantIssues, hoursIssues],
  },
  answers: { 200: { description: 'The policy as it is stored, and what holds.', schema: PolicyResponse } },
  errors: ['TENANT_NOT_FOUND', 'PRECONDITION_REQUIRED', 'PRECONDITION_FAILED'],
  handler: (context) => async (call) => {
    const tenantId = tenantOf(call);
    const { reason, ...policy } = call.body;
    const order = { tenantId, policy: policy as DefaultPolicy, reason, ifMatch: call.headers['if-match'] };
    const view = await put(context, call.request, order);
    return tenantResponse(tenantId, view, policyMessages.put, call.reply);
  },
});
