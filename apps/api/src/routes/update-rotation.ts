import type { LimitRotation } from '@rekey/commands';
import {
  type Issue,
  RotationHeaders,
  RotationParams,
  RotationResponse,
  UpdateBody,
  updateMessage,
} from '@rekey/contract';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, mayActOnAny } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { hoursIssues } from '../policy-json.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { route } from '../route.ts';

/** Something is to be changed. */
function anythingIssues({ body }: FastifyRequest): Issue[] {
  if (typeof body !== 'object' || body === null) return [];
  if ('itemsPerSecondMax' in body || 'windows' in body) return [];
  return [{ path: 'body', message: 'names neither itemsPerSecondMax nor windows' }];
}

/** Holds an unfinished rotation back, or lets it go faster. */
export const updateRotation = route({
  operationId: 'updateRotation',
  method: 'PATCH',
  path: '/api/v1/admin/dek/rotations/{rotationId}',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Change the speed limit or the windows of an unfinished rotation',
  description:
    'True within one batch or a second on every worker, whose ranges share it. Whose token names one tenant may set a limit and ' +
    'lower it; to raise or lift one that stands takes `super_admin` or a token of the installation (`*`): 403. A `reason` is ' +
    'kept with the event. Outside of its `windows` a rotation stands still (`waitingFor: window`), from this call on; `null` lifts ' +
    'them. Whose token names one tenant may set windows where there are none, and changes none that stand. Of both ' +
    'all is done or nothing. Repeated it answers 200.',
  request: {
    params: RotationParams,
    headers: RotationHeaders,
    body: UpdateBody,
    rules: [anythingIssues, hoursIssues],
  },
  answers: { 200: { description: 'The rotation, as it is held back now.', schema: RotationResponse } },
  errors: ['ROTATION_NOT_FOUND', 'ROTATION_FINISHED', 'ROTATION_NOT_HELD_BACK'],
  handler:
    ({ commands, status, logger }) =>
    async (call) => {
      const caller = callerOf(call.request);
      const view = await findVisible(status, call);
      const outcome = await commands.limitRotation(actorOf(caller), {
        rotationId: view.id,
        ...call.body,
        windows: call.body.windows as LimitRotation['windows'],
        mayRaise: mayActOnAny(caller, call.route),
      });
      switch (outcome.kind) {
        case 'changed':
        case 'unchanged':
          status.told(outcome);
          if (outcome.kind === 'changed') logger.info('rotation limited', whoAndWhat(call.request));
          return rotationResponse(outcome.view, updateMessage, caller);
        case 'not_permitted':
          throw new ApiError('INSUFFICIENT_PERMISSIONS');
        case 'not_held_back':
          throw new ApiError('ROTATION_NOT_HELD_BACK');
        case 'finished':
          throw new ApiError('ROTATION_FINISHED');
        case 'not_found':
          throw new ApiError('ROTATION_NOT_FOUND');
      }
    },
});
