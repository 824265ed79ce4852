import { createHash } from 'node:crypto';
import type { StartedRotation, StartRotation } from '@rekey/commands';
import {
  formatRotationId,
  type Issue,
  parsePlanId,
  parseUuid,
  RotateBody,
  RotateHeaders,
  RotateResponse,
} from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { actorOf, type Caller, callerOf, identityOf, isSuperAdmin, mayActOn } from '../auth/caller.ts';
import { lackingIssues } from '../lacking-issues.ts';
import { tellOfSuperseded, whoAndWhat } from '../request-log.ts';
import { renderStarted } from '../rotation-json.ts';
import { route } from '../route.ts';

/** The answer does not wait for any of the work. */
export const rotateDek = route({
  operationId: 'rotateDek',
  method: 'POST',
  path: '/api/v1/admin/dek/rotate',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: "Start the rotation of one tenant's data encryption key",
  description:
    'Every credential, API key and secret of the tenant is re-encrypted under a new DEK by a background job, ' +
    'without service interruption. With `kek` the new DEK is wrapped under that registered KEK (`KEK_REFUSED` while a live ' +
    'worker or vault has not proved it). With `compromise` the active DEK is compromised from the switch on: transactions that ' +
    'hold it are refused at their next write, and ended after 10 s (a setting); an ordinary rotation that runs is cancelled ' +
    '(`supersededBy`) in the same transaction, and only another one because of a compromised key answers 409. `x-tenantid` must equal `tenantId` in the body. Roles: `super_admin` for any ' +
    'tenant, `security_admin` for the one in the token. With `planId` its status shows plan and actual side by side.',
  request: { headers: RotateHeaders, body: RotateBody, rules: [tenantsAgree] },
  answers: {
    200: { description: 'The rotation is on its way; poll it by its id.', schema: RotateResponse },
  },
  errors: [
    'TENANT_NOT_FOUND',
    'KEK_NOT_FOUND',
    'KEK_REFUSED',
    'ROTATION_IN_PROGRESS',
    'PLAN_NOT_FOUND',
    'PLAN_UNFINISHED',
    'PLAN_USED',
    'IDEMPOTENCY_KEY_REUSED',
    'ROTATION_TOO_SOON',
  ],
  handler:
    ({ commands, logger, rotationIntervalSeconds }) =>
    async ({ route: self, headers, body, request }) => {
      const { tenantId: named, reason, planId: plan, kek, compromise = false } = body;
      const caller = callerOf(request);
      const tenantId = named.toLowerCase();
      request.noted.tenantId = tenantId;
      if (!mayActOn(caller, self, tenantId)) throw new ApiError('INSUFFICIENT_PERMISSIONS');

      const planId = plan === undefined ? undefined : (parsePlanId(plan) ?? undefined);
      const key = headers['idempotency-key'];
      const outcome = await commands.startRotation(actorOf(caller), {
        tenantId,
        reason,
        planId,
        kek,
        compromise,
        intervalSeconds: isSuperAdmin(caller) ? 0 : rotationIntervalSeconds,
        ...(key === undefined
          ? {}
          : {
              idempotency: idempotencyOf(caller, key, {
                tenantId,
                reason,
                planId,
                kek,
                compromise: compromise ? true : undefined,
              }),
            }),
      });
      if (outcome.kind === 'started') {
        request.noted.rotationId = formatRotationId(outcome.view.id);
        logger.info(
          compromise ? 'rotation of a compromised key started' : 'rotation started',
          whoAndWhat(request),
        );
        tellOfSuperseded(logger, outcome);
      }
      const answer = bodyOf(outcome);
      if (outcome.kind === 'replayed') request.noted.rotationId = rotationIn(outcome.answer);
      return answer;
    },
});

/** The rotation of an answer that {@link renderStarted} made. */
function rotationIn(body: Uint8Array): string {
  const { data }: RotateResponse = JSON.parse(Buffer.from(body).toString());
  return data.rotationId;
}

function bodyOf(outcome: StartedRotation): string | Uint8Array {
  switch (outcome.kind) {
    case 'started':
      return outcome.answer ?? renderStarted(outcome.view);
    case 'replayed':
      return outcome.answer;
    case 'in_progress':
      throw new ApiError('ROTATION_IN_PROGRESS', { rotationId: formatRotationId(outcome.rotationId) });
    case 'idempotency_mismatch':
      throw new ApiError('IDEMPOTENCY_KEY_REUSED');
    case 'too_soon':
      throw new ApiError('ROTATION_TOO_SOON', { retryAfterSeconds: outcome.retryAfterSeconds });
    case 'unusable_plan':
      throw new ApiError(ofUnusable[outcome.why]);
    case 'kek_not_found':
      throw new ApiError('KEK_NOT_FOUND');
    case 'kek_lacking':
      throw new ApiError('KEK_REFUSED', { issues: lackingIssues(outcome.lacking) });
    // None was named; or the tenant went.
    case 'not_active':
    case 'tenant_not_found':
      throw new ApiError('TENANT_NOT_FOUND');
  }
}

const ofUnusable = {
  not_found: 'PLAN_NOT_FOUND',
  unfinished: 'PLAN_UNFINISHED',
  used_before: 'PLAN_USED',
} as const;

/** The answer is kept with the key, so that a replay is the same to the byte. */
function idempotencyOf(caller: Caller, key: string, meant: Meant): NonNullable<StartRotation['idempotency']> {
  return { caller: identityOf(caller), key, bodyHash: bodyHash(meant), answer };
}

function answer(view: RotationView): Uint8Array {
  return Buffer.from(renderStarted(view));
}

interface Meant {
  readonly tenantId: string;
  readonly reason: string | undefined;
  readonly planId: string | undefined;
  readonly kek: string | undefined;
  readonly compromise: true | undefined;
}

/** Two bodies are the same when they mean the same: spacing and the case of the UUID do not count. */
function bodyHash({ tenantId, reason, planId, kek, compromise }: Meant): Buffer {
  // Without what came later it is what it was before: keys are kept for a day.
  return createHash('sha256').update(JSON.stringify({ tenantId, reason, planId, kek, compromise })).digest();
}

/** Speaks only when both are UUIDs; a malformed one has an issue of its own. */
export function tenantsAgree({ headers, body }: FastifyRequest): Issue[] {
  const named = typeof headers['x-tenantid'] === 'string' ? parseUuid(headers['x-tenantid']) : null;
  const inBody = typeof body === 'object' && body !== null && 'tenantId' in body ? body.tenantId : undefined;
  const wanted = typeof inBody === 'string' ? parseUuid(inBody) : null;
  if (named === null || wanted === null || named === wanted) return [];
  return [{ path: 'headers.x-tenantid', message: 'is not the tenantId of the body' }];
}
