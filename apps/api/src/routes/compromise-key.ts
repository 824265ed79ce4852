import { createHash } from 'node:crypto';
import {
  CompromiseBody,
  CompromiseResponse,
  compromiseMessage,
  formatKeyId,
  formatRotationId,
  KeyParams,
  RetryHeaders,
} from '@rekey/contract';
import type { KeyRecords, KeyView, RotationView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, identityOf } from '../auth/caller.ts';
import { findVisibleKey } from '../find-visible-key.ts';
import { lackingIssues } from '../lacking-issues.ts';
import { tellOfSuperseded, whoAndWhat } from '../request-log.ts';
import { startedJson } from '../rotation-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** Of the active key the same as a rotate call with `compromise`; one that is out of use is marked. */
export const compromiseKey = route({
  operationId: 'compromiseKey',
  method: 'POST',
  path: '/api/v1/admin/keys/{keyId}/compromise',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Declare a key compromised',
  description:
    'Of the active key it starts a rotation as `POST …/dek/rotate` with `compromise` does: `rotation`. One that is out of use is ' +
    'compromised at once: what still stands under it is counted, and it takes a rotation to bring it under another key. ' +
    'Transactions that hold it are refused at their next write, and ended after 10 s (a setting). It opens records until it is ' +
    'destroyed. Repeated for one that is compromised it answers 200 and changes nothing. 409: `COMPROMISE_REFUSED` for one that ' +
    'was never in use or is destroyed, `ROTATION_IN_PROGRESS` while a rotation because of a compromised key runs. Needs no body; ' +
    'a `reason` is kept with the event.',
  request: { params: KeyParams, headers: RetryHeaders, body: CompromiseBody, bodyOptional: true },
  answers: { 200: { description: 'What follows from it.', schema: CompromiseResponse } },
  errors: [
    'KEY_NOT_FOUND',
    'KEK_NOT_FOUND',
    'KEK_REFUSED',
    'COMPROMISE_REFUSED',
    'ROTATION_IN_PROGRESS',
    'IDEMPOTENCY_KEY_REUSED',
  ],
  handler:
    ({ commands, keys, logger }) =>
    async (call) => {
      const { request, headers, body = {} } = call;
      const caller = callerOf(request);
      const key = await findVisibleKey(keys, call);
      const idempotencyKey = headers['idempotency-key'];
      const outcome = await commands.compromiseKey(actorOf(caller), {
        keyId: key.id,
        tenantId: key.tenantId,
        reason: body.reason,
        kek: body.kek,
        ...(idempotencyKey === undefined
          ? {}
          : {
              idempotency: {
                caller: identityOf(caller),
                key: idempotencyKey,
                bodyHash: createHash('sha256')
                  .update(JSON.stringify({ compromise: key.id, ...body }))
                  .digest(),
                answer: (view: RotationView) => Buffer.from(JSON.stringify(replaced(key, view))),
              },
            }),
      });
      switch (outcome.kind) {
        case 'started':
          request.noted.rotationId = formatRotationId(outcome.view.id);
          logger.info('rotation of a compromised key started', whoAndWhat(request));
          tellOfSuperseded(logger, outcome);
          return outcome.answer ?? replaced(key, outcome.view);
        case 'replayed':
          return outcome.answer;
        case 'marked':
        case 'unchanged':
          if (outcome.kind === 'marked')
            logger.info('key declared compromised', { ...whoAndWhat(request), keyId: formatKeyId(key.id) });
          return marked(key, await keys.records(key.tenantId));
        case 'refused':
          throw new ApiError('COMPROMISE_REFUSED', {
            issues: [{ path: 'keyId', message: `names a key that is ${outcome.state}` }],
          });
        case 'in_progress':
          throw new ApiError('ROTATION_IN_PROGRESS', { rotationId: formatRotationId(outcome.rotationId) });
        case 'idempotency_mismatch':
          throw new ApiError('IDEMPOTENCY_KEY_REUSED');
        case 'kek_not_found':
          throw new ApiError('KEK_NOT_FOUND');
        case 'kek_lacking':
          throw new ApiError('KEK_REFUSED', { issues: lackingIssues(outcome.lacking) });
        case 'not_found':
          throw new ApiError('KEY_NOT_FOUND');
      }
    },
});

function replaced(key: KeyView, view: RotationView): CompromiseResponse {
  return response(key, { state: 'active', rotation: startedJson(view), records: null, targets: [] });
}

function marked(key: KeyView, counted: readonly KeyRecords[]): CompromiseResponse {
  const targets = counted
    .filter(({ keyNumber }) => keyNumber === key.keyNumber)
    .map(({ target, itemType, records }) => ({ target, itemType, records }));
  const records = targets.reduce((sum, target) => sum + target.records, 0);
  return response(key, { state: 'compromised', rotation: null, records, targets });
}

function response(
  { id, tenantId }: KeyView,
  data: Omit<CompromiseResponse['data'], 'keyId' | 'tenantId'>,
): CompromiseResponse {
  return success<CompromiseResponse>(compromiseMessage, { keyId: formatKeyId(id), tenantId, ...data });
}
