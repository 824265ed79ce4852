import { createHash } from 'node:crypto';
import {
  CompromiseKekBody,
  callsPerSecondDefault,
  conforms,
  formatRewrapId,
  KekCompromiseResponse,
  KekName,
  KekParams,
  kekCompromiseMessages,
  RewrapHeaders,
  RotationHeaders,
} from '@rekey/contract';
import type { KekCompromiseView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, identityOf, mayActOnAny } from '../auth/caller.ts';
import { lackingIssues } from '../lacking-issues.ts';
import { whoAndWhat } from '../request-log.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

const path = '/api/v1/admin/keks/{kek}/compromise';

/** The answer does not wait for any of the work. */
export const compromiseKek = route({
  operationId: 'compromiseKek',
  method: 'POST',
  path,
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Declare a KEK compromised',
  description:
    'Everything that is under that KEK, whosesoever, is brought under the registered KEK `kek`; then each DEK that is or was under ' +
    'it is declared compromised, and those in use are replaced by rotations that come before all others. Rewraps that are under way ' +
    'are cancelled. It ends with the proof that no DEK is under it, and none that was may seal. Nothing pauses it, and it goes on ' +
    'whoever dies. Repeated while it runs it answers 200 and begins nothing; with an `Idempotency-Key` also after its end, and ' +
    'what is answered is how it stands by then. Refused with `REWRAP_REFUSED` while a live worker or ' +
    'vault has not wrapped and unwrapped with the other KEK (`error.issues` names them), unless `force` is given, and with another ' +
    '`kek` than the one it runs with. `super_admin` only.',
  request: { params: KekParams, headers: RewrapHeaders, body: CompromiseKekBody },
  answers: {
    200: { description: 'It is on its way; GET says how far it is.', schema: KekCompromiseResponse },
  },
  errors: ['KEK_NOT_FOUND', 'REWRAP_REFUSED', 'IDEMPOTENCY_KEY_REUSED'],
  handler:
    ({ commands, keys, logger }) =>
    async ({ params, headers, body, request }) => {
      const caller = callerOf(request);
      const { kek, reason, callsPerSecondMax = callsPerSecondDefault, force = false } = body;
      const asked = { kekName: nameOf(params), targetName: kek, callsPerSecondMax, force, reason };
      const key = headers['idempotency-key'];
      const idempotency =
        key === undefined
          ? null
          : {
              caller: identityOf(caller),
              key,
              bodyHash: createHash('sha256').update(JSON.stringify(asked)).digest(),
            };
      const outcome = await commands.compromiseKek(actorOf(caller), { ...asked, idempotency });
      switch (outcome.kind) {
        case 'started':
          logger.warn('KEK declared compromised', {
            ...whoAndWhat(request),
            compromiseId: outcome.view.id,
            kek: outcome.view.kekName,
          });
          return response(outcome.view, kekCompromiseMessages.start);
        case 'running':
        case 'replayed':
          return response(outcome.view, kekCompromiseMessages.start);
        case 'mismatch':
          throw new ApiError('IDEMPOTENCY_KEY_REUSED');
        case 'kek_not_found':
        case 'target_not_found':
          throw new ApiError('KEK_NOT_FOUND');
        case 'same_kek':
          throw refused('is the KEK that is compromised');
        case 'other_target':
          throw refused('is another one than the one that it is under way with');
        case 'lacking': {
          const kekId = await keys.kekId(kek);
          const lacking = kekId === null ? [] : await keys.lacking(kekId);
          throw lacking.length === 0
            ? refused('no worker has proved it, or it was declared compromised itself')
            : new ApiError('REWRAP_REFUSED', { issues: lackingIssues(lacking) });
        }
      }
    },
});

export const getKekCompromise = route({
  operationId: 'getKekCompromise',
  method: 'GET',
  path,
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say how far it is with a compromised KEK',
  description: 'The latest operation on the KEK of that name. For those who may act on all tenants.',
  request: { params: KekParams, headers: RotationHeaders },
  answers: { 200: { description: 'As it stands.', schema: KekCompromiseResponse } },
  errors: ['KEK_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async ({ route: self, params, request }) => {
      if (!mayActOnAny(callerOf(request), self)) throw new ApiError('KEK_NOT_FOUND');
      const view = await keys.kekCompromise(nameOf(params));
      if (view === null) throw new ApiError('KEK_NOT_FOUND');
      return response(view, kekCompromiseMessages.get);
    },
});

/** What cannot be a name is as one that nothing has. */
function nameOf({ kek }: { readonly kek: string }): string {
  if (!conforms(KekName, kek)) throw new ApiError('KEK_NOT_FOUND');
  return kek;
}

function refused(message: string): ApiError {
  return new ApiError('REWRAP_REFUSED', { issues: [{ path: 'body.kek', message }] });
}

function response(view: KekCompromiseView, message: KekCompromiseResponse['message']): KekCompromiseResponse {
  const { initiatedBy } = view;
  const isRewrapping = view.rewrapping || view.keysUnder > 0;
  return success<KekCompromiseResponse>(message, {
    compromiseId: view.id,
    kek: view.kekName,
    kekId: view.kekId,
    replacedBy: view.targetName,
    replacedById: view.targetKekId,
    status: view.status,
    phase: view.status !== 'in_progress' ? null : isRewrapping ? 'rewrapping' : 'rotating',
    keysTotal: view.keys,
    keysUnder: view.keysUnder,
    keysInUse: view.keysInUse,
    keysCompromised: view.keysCompromised,
    keysDestroyed: view.keysDestroyed,
    keysFailed: view.keysFailed,
    rotationsUnderWay: view.rotationsUnderWay,
    rewrapId: view.rewrapId === null ? null : formatRewrapId(view.rewrapId),
    forced: view.forced,
    reason: view.reason,
    initiatedBy: { id: initiatedBy.id, name: initiatedBy.name, email: initiatedBy.email },
    startedAt: view.startedAt.toISOString(),
    completedAt: view.completedAt?.toISOString() ?? null,
  });
}
