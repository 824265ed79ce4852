import { createHash } from 'node:crypto';
import type { StartedRotation, StartRotation } from '@rekey/commands';
import {
  formatRotationId,
  type Issue,
  NoQuery,
  parseUuid,
  RotateBody,
  RotateHeaders,
  type RotateResponse,
} from '@rekey/contract';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { ApiError } from '../api-error.ts';
import { actorOf, type Caller, callerOf, identityOf, mayActOn } from '../auth/caller.ts';
import type { ApiDependencies } from '../dependencies.ts';
import type { Guards } from '../guards.ts';
import { answers } from '../openapi-answers.ts';
import { whoAndWhat } from '../request-log.ts';
import { renderStarted } from '../rotation-json.ts';
import { validated } from '../validate.ts';
import { type ApiInstance, rotatePath } from './api-instance.ts';

/** `POST …/rotate`: the answer does not wait for any of the work. */
export function addRotateRoute(
  app: ApiInstance,
  guards: Guards,
  deps: ApiDependencies,
  intervalSeconds: number,
): void {
  const schema = { headers: RotateHeaders, querystring: NoQuery, body: RotateBody };
  app.post(
    rotatePath,
    {
      schema: { ...schema, headers: PublishedHeaders, ...documentation },
      onRequest: [...guards.write],
      preValidation: validated(schema, [tenantsAgree]),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const tenantId = request.body.tenantId.toLowerCase();
      request.noted.tenantId = tenantId;
      if (!mayActOn(caller, tenantId)) throw new ApiError('INSUFFICIENT_PERMISSIONS');

      const key = request.headers['idempotency-key'];
      const outcome = await deps.commands.startRotation(actorOf(caller), {
        tenantId,
        intervalSeconds: caller.superAdmin ? 0 : intervalSeconds,
        ...(key === undefined ? {} : { idempotency: idempotencyOf(caller, key, tenantId) }),
      });
      if (outcome.kind === 'started') {
        request.noted.rotationId = formatRotationId(outcome.view.id);
        deps.logger.info('rotation started', whoAndWhat(request));
      }
      const body = bodyOf(outcome);
      if (outcome.kind === 'replayed') request.noted.rotationId = rotationIn(body);
      return reply.type('application/json; charset=utf-8').send(body);
    },
  );
}

/** The rotation of an answer that {@link renderStarted} made. */
function rotationIn(body: string): string {
  const { data }: RotateResponse = JSON.parse(body);
  return data.rotationId;
}

function bodyOf(outcome: StartedRotation): string {
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
    case 'tenant_not_found':
      throw new ApiError('TENANT_NOT_FOUND');
  }
}

/** The answer is kept with the key, so that a replay is the same to the byte. */
function idempotencyOf(
  caller: Caller,
  key: string,
  tenantId: string,
): NonNullable<StartRotation['idempotency']> {
  return { caller: identityOf(caller), key, bodyHash: bodyHash(tenantId), answer: renderStarted };
}

/** Two bodies are the same when they mean the same: spacing and the case of the UUID do not count. */
function bodyHash(tenantId: string): Buffer {
  return createHash('sha256').update(JSON.stringify({ tenantId })).digest();
}

/** Speaks only when both are UUIDs; a malformed one has an issue of its own. */
function tenantsAgree({ headers, body }: FastifyRequest): Issue[] {
  const named = typeof headers['x-tenantid'] === 'string' ? parseUuid(headers['x-tenantid']) : null;
  const inBody = typeof body === 'object' && body !== null && 'tenantId' in body ? body.tenantId : undefined;
  const wanted = typeof inBody === 'string' ? parseUuid(inBody) : null;
  if (named === null || wanted === null || named === wanted) return [];
  return [{ path: 'headers.x-tenantid', message: 'is not the tenantId of the body' }];
}

/** The document asks for `accept`; a call without it is served all the same. */
const PublishedHeaders = Type.Object({
  ...RotateHeaders.properties,
  accept: Type.String({
    description: 'application/json. (Wildcards are accepted too; a value that excludes JSON gets 406.)',
    examples: ['application/json'],
  }),
});

const documentation = {
  operationId: 'rotateDek',
  tags: ['DEK rotation'],
  summary: "Start the rotation of one tenant's data encryption key",
  description:
    'Every credential, API key and secret of the tenant is re-encrypted under a new DEK by a background job, ' +
    'without service interruption. `x-tenantid` must equal `tenantId` in the body. Roles: `super_admin` for any ' +
    'tenant, `security_admin` for the one in the token.',
  response: answers('StartedRotation', 'The rotation is on its way; poll it by its id.', [
    'INVALID_REQUEST',
    'AUTHENTICATION_FAILED',
    'INSUFFICIENT_PERMISSIONS',
    'TENANT_NOT_FOUND',
    'NOT_ACCEPTABLE',
    'ROTATION_IN_PROGRESS',
    'PAYLOAD_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'IDEMPOTENCY_KEY_REUSED',
    'RATE_LIMITED',
    'ROTATION_TOO_SOON',
    'INTERNAL_ERROR',
    'SERVICE_UNAVAILABLE',
  ]),
};
