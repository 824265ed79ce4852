import { createHash } from 'node:crypto';
import {
  formatPlanId,
  PlanBody,
  PlanHeaders,
  PlanParams,
  PlanResponse,
  parsePlanId,
  planMessage,
  planStatusMessage,
  RotationHeaders,
} from '@rekey/contract';
import type { PlanView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, identityOf, mayActOn } from '../auth/caller.ts';
import { asItBegan, planJson } from '../plan-json.ts';
import { whoAndWhat } from '../request-log.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';
import { tenantsAgree } from './rotate-dek.ts';

/** What a rotation would come to; the answer does not wait for more than what is counted already. */
export const planRotation = route({
  operationId: 'planRotation',
  method: 'POST',
  path: '/api/v1/admin/dek/rotate/plan',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Say what a rotation would take, without starting it',
  description:
    "Changes nothing but the plan itself. Records and ranges stand in this answer; a worker then reads every record's size, " +
    'opens as many records as `check` says, and estimates time, WAL and calls of KMSs as ranges. One unfinished plan for ' +
    'each tenant. Plans are kept for 30 days; `planId` may be given to the rotate call.',
  request: { headers: PlanHeaders, body: PlanBody, rules: [tenantsAgree] },
  answers: { 202: { description: 'It is being made; poll it by its id.', schema: PlanResponse } },
  errors: ['TENANT_NOT_FOUND', 'PLAN_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'],
  handler:
    ({ commands, logger }) =>
    async ({ route: self, headers, body, request, reply }) => {
      const caller = callerOf(request);
      const tenantId = body.tenantId.toLowerCase();
      const { check = 'none' } = body;
      request.noted.tenantId = tenantId;
      if (!mayActOn(caller, self, tenantId)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
      const key = headers['idempotency-key'];
      const bodyHash = (): Buffer =>
        createHash('sha256').update(JSON.stringify({ tenantId, check })).digest();
      const outcome = await commands.startPlan(actorOf(caller), {
        tenantId,
        check,
        idempotency: key === undefined ? null : { caller: identityOf(caller), key, bodyHash: bodyHash() },
      });
      switch (outcome.kind) {
        case 'started':
          logger.info('plan started', { ...whoAndWhat(request), planId: outcome.view.id });
          reply.code(202);
          return started(outcome.view);
        case 'replayed':
          reply.code(202);
          return started(outcome.view);
        case 'in_progress':
          throw new ApiError('PLAN_IN_PROGRESS', { planId: formatPlanId(outcome.planId) });
        case 'mismatch':
          throw new ApiError('IDEMPOTENCY_KEY_REUSED');
        case 'tenant_not_found':
          throw new ApiError('TENANT_NOT_FOUND');
      }
    },
});

/** The same to the byte for whoever repeats the call with its key. */
function started(view: PlanView): string {
  return JSON.stringify(success<PlanResponse>(planMessage, planJson(asItBegan(view)), view.startedAt));
}

export const getPlan = route({
  operationId: 'getPlan',
  method: 'GET',
  path: '/api/v1/admin/dek/plans/{planId}',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Say how a plan stands, and what it came to',
  request: { params: PlanParams, headers: RotationHeaders },
  answers: { 200: { description: 'The plan.', schema: PlanResponse } },
  errors: ['PLAN_NOT_FOUND'],
  handler:
    ({ rotations }) =>
    async ({ route: self, params, headers, request }) => {
      const id = parsePlanId(params.planId);
      const view = id === null ? null : await rotations.plan(id);
      const named = headers['x-tenantid']?.toLowerCase();
      const isSeen = view !== null && (named === undefined || named === view.tenantId);
      if (!isSeen || !mayActOn(callerOf(request), self, view.tenantId)) throw new ApiError('PLAN_NOT_FOUND');
      request.noted.tenantId = view.tenantId;
      return success<PlanResponse>(planStatusMessage, planJson(view));
    },
});
