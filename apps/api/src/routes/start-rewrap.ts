import { createHash } from 'node:crypto';
import {
  callsPerSecondDefault,
  formatRewrapId,
  type Issue,
  RewrapBody,
  RewrapHeaders,
  RewrapResponse,
  rewrapMessages,
} from '@rekey/contract';
import type { RewrapView } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, identityOf, isSuperAdmin } from '../auth/caller.ts';
import { lackingIssues } from '../lacking-issues.ts';
import { whoAndWhat } from '../request-log.ts';
import { asItBegan, rewrapJson } from '../rewrap-json.ts';
import { rewrapScope, scopeIssues } from '../rewrap-scope.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** The answer does not wait for any of the work. */
export const startRewrap = route({
  operationId: 'startRewrap',
  method: 'POST',
  path: '/api/v1/admin/kek/rewrap',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Bring DEKs under another KEK',
  description:
    'The same DEKs, wrapped under the registered KEK `kek`: of one tenant (`tenantId`) or, at `*` and as `super_admin`, of ' +
    'all (`all`). A worker does it while everything goes on: no record is re-encrypted, and no process unwraps anew because ' +
    'of it. Refused with `REWRAP_REFUSED` while a live worker or vault has not wrapped and unwrapped with that KEK ' +
    '(`error.issues` names them), unless `super_admin` gives `force` and a `reason`.',
  request: { headers: RewrapHeaders, body: RewrapBody, rules: [scopeIssues, forceIssues] },
  answers: { 200: { description: 'The rewrap is on its way; poll it by its id.', schema: RewrapResponse } },
  errors: [
    'TENANT_NOT_FOUND',
    'KEK_NOT_FOUND',
    'REWRAP_IN_PROGRESS',
    'REWRAP_REFUSED',
    'IDEMPOTENCY_KEY_REUSED',
  ],
  handler:
    ({ commands, keys, logger }) =>
    async ({ route: self, headers, body, request }) => {
      const caller = callerOf(request);
      const tenantId = rewrapScope(request, self, body);
      const { kek, callsPerSecondMax = callsPerSecondDefault, force = false, reason = null } = body;
      if (force && !isSuperAdmin(caller)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
      const key = headers['idempotency-key'];
      const asked = { tenantId, kek, callsPerSecondMax, force, reason };
      const outcome = await commands.startRewrap(actorOf(caller), {
        tenantId,
        kekName: kek,
        callsPerSecondMax,
        force,
        reason,
        idempotency:
          key === undefined
            ? null
            : {
                caller: identityOf(caller),
                key,
                bodyHash: createHash('sha256').update(JSON.stringify(asked)).digest(),
              },
      });
      switch (outcome.kind) {
        case 'started':
          logger.info('rewrap started', { ...whoAndWhat(request), rewrapId: outcome.view.id });
          return started(outcome.view);
        case 'replayed':
          return started(outcome.view);
        case 'in_progress':
          throw new ApiError('REWRAP_IN_PROGRESS', { rewrapId: formatRewrapId(outcome.rewrapId) });
        case 'lacking': {
          const kekId = await keys.kekId(kek);
          throw new ApiError('REWRAP_REFUSED', {
            issues: lackingIssues(kekId === null ? [] : await keys.lacking(kekId)),
          });
        }
        case 'mismatch':
          throw new ApiError('IDEMPOTENCY_KEY_REUSED');
        case 'tenant_not_found':
          throw new ApiError('TENANT_NOT_FOUND');
        case 'kek_not_found':
          throw new ApiError('KEK_NOT_FOUND');
      }
    },
});

/** The same to the byte for whoever repeats the call with its key. */
function started(view: RewrapView): string {
  const answer = success<RewrapResponse>(rewrapMessages.start, rewrapJson(asItBegan(view)), view.startedAt);
  return JSON.stringify(answer);
}

function forceIssues({ body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null) return [];
  const { force, reason }: { force?: unknown; reason?: unknown } = body;
  return force === true && reason === undefined
    ? [{ path: 'body.reason', message: 'has to be given with force' }]
    : [];
}
