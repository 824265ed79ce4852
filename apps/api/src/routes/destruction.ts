import type { Commands, SteerDestruction, SteeredDestruction } from '@rekey/commands';
import {
  approveMessage,
  cancelDestructionMessage,
  DestructionResponse,
  destructionMessage,
  KeyParams,
  RotationHeaders,
  SteeringBody,
  scheduleMessage,
} from '@rekey/contract';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, mayActOnAny } from '../auth/caller.ts';
import type { Keys } from '../dependencies.ts';
import { destructionJson } from '../destruction-json.ts';
import { findVisibleKey } from '../find-visible-key.ts';
import { whoAndWhat } from '../request-log.ts';
import { type Call, type Route, route } from '../route.ts';

type OfKey = Pick<Call<{ params: typeof KeyParams; headers: typeof RotationHeaders }>, 'route' | 'request'>;

async function answer(
  keys: Keys,
  keyId: string,
  message: DestructionResponse['message'],
  call: OfKey,
): Promise<DestructionResponse> {
  const view = await keys.destruction(keyId);
  if (view === null) throw new ApiError('KEY_NOT_FOUND');
  return destructionJson(view, message, mayActOnAny(callerOf(call.request), call.route));
}

/** Is it safe to destroy? Each condition with its state, and what that rests on. */
export const getDestruction = route({
  operationId: 'getDestruction',
  method: 'GET',
  path: '/api/v1/admin/keys/{keyId}/destruction',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say whether a key may be destroyed',
  description:
    'Every condition as it stands now; records are counted for it. The same conditions are checked again by the transaction that ' +
    'destroys the key. `unknown` refuses: a process that is silent, a role that can read wrapped keys and was never heard of, a ' +
    'database that was restored.',
  request: { params: KeyParams, headers: RotationHeaders },
  answers: { 200: { description: 'How its destruction stands.', schema: DestructionResponse } },
  errors: ['KEY_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async (call) =>
      answer(keys, (await findVisibleKey(keys, call)).id, destructionMessage, call),
});

interface Way {
  readonly operationId: string;
  readonly verb: 'schedule-destruction' | 'cancel-destruction' | 'approve-destruction';
  readonly summary: string;
  readonly description: string;
  readonly answer: string;
  readonly message: DestructionResponse['message'];
  readonly done: string;
  readonly by: (
    commands: Commands,
  ) => (actor: ReturnType<typeof actorOf>, input: SteerDestruction) => Promise<SteeredDestruction>;
}

function deciding({ operationId, verb, message, ...way }: Way): Route {
  return route({
    operationId,
    method: 'POST',
    path: `/api/v1/admin/keys/{keyId}/${verb}`,
    permission: 'by_role',
    tag: 'Keys',
    summary: way.summary,
    description: way.description,
    request: { params: KeyParams, headers: RotationHeaders, body: SteeringBody, bodyOptional: true },
    answers: { 200: { description: way.answer, schema: DestructionResponse } },
    errors: ['KEY_NOT_FOUND', 'DESTRUCTION_REFUSED'],
    handler:
      ({ commands, keys, logger }) =>
      async (call) => {
        const { id: keyId } = await findVisibleKey(keys, call);
        const actor = actorOf(callerOf(call.request));
        const outcome = await way.by(commands)(actor, { keyId, ...call.body });
        if (outcome.kind === 'not_found') throw new ApiError('KEY_NOT_FOUND');
        if (outcome.kind === 'refused')
          throw new ApiError('DESTRUCTION_REFUSED', {
            issues: outcome.conditions.map(({ name, state }) => ({
              path: name,
              message: state === 'unknown' ? 'is not known to hold' : 'does not hold',
            })),
          });
        if (outcome.kind === 'changed') logger.info(way.done, whoAndWhat(call.request));
        return answer(keys, keyId, message, call);
      },
  });
}

/** From then on it can be taken back until it is done. */
export const scheduleDestruction = deciding({
  operationId: 'scheduleDestruction',
  verb: 'schedule-destruction',
  summary: 'Ask for a key to be destroyed',
  description:
    'A worker destroys it once the grace period is over (30 days, unless set otherwise) and every other condition holds; until ' +
    'then it can be cancelled. Refused (409, `issues`) for a key that is in use, drains or protects records, and while nobody has ' +
    'declared how long backups are kept. Repeated it answers 200 and changes nothing. Needs no body; a `reason` is kept.',
  answer: 'How its destruction stands.',
  message: scheduleMessage,
  done: 'destruction of a key scheduled',
  by: (commands) => commands.scheduleDestruction,
});

export const cancelDestruction = deciding({
  operationId: 'cancelDestruction',
  verb: 'cancel-destruction',
  summary: 'Keep a key that was to be destroyed',
  description:
    'Approvals are void from then on. Repeated it answers 200; 409 once the key is destroyed. Needs no body; a `reason` is kept with the event.',
  answer: 'How its destruction stands.',
  message: cancelDestructionMessage,
  done: 'destruction of a key cancelled',
  by: (commands) => commands.cancelDestruction,
});

export const approveDestruction = deciding({
  operationId: 'approveDestruction',
  verb: 'approve-destruction',
  summary: 'Agree to the destruction of a key',
  description:
    'Needed where the setting `destruction_approvals` says so: by that many persons (realm and `sub`) besides the one who asked. ' +
    'Bound to the key, to the request and to how the conditions stand: void after 7 days, or when one of them changes. Refused ' +
    '(409, `issues`) while a condition is unmet or unknown that is no matter of the grace period, and for who asked for it.',
  answer: 'How its destruction stands.',
  message: approveMessage,
  done: 'destruction of a key approved',
  by: (commands) => commands.approveDestruction,
});
