import {
  pauseMessage,
  RotationHeaders,
  RotationParams,
  RotationResponse,
  SteeringBody,
} from '@rekey/contract';
import { actorOf, callerOf } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { route } from '../route.ts';
import { steered } from '../steered.ts';

/** Holds an unfinished rotation where it stands; the tenant stays taken. */
export const pauseRotation = route({
  operationId: 'pauseRotation',
  method: 'POST',
  path: '/api/v1/admin/dek/rotations/{rotationId}/pause',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Pause an unfinished rotation',
  description:
    'Needs no body; a `reason` is kept with the event and shown while it is paused. True within one batch: nothing is planned, ' +
    'swept or proved until it is resumed, while applications read and write. Once the DEK was switched it stays so, and the ' +
    'older one drains. The tenant stays taken: a rotate call gets 409. Repeated it answers 200',
  request: { params: RotationParams, headers: RotationHeaders, body: SteeringBody, bodyOptional: true },
  answers: { 200: { description: 'The rotation, paused.', schema: RotationResponse } },
  errors: ['ROTATION_NOT_FOUND', 'ROTATION_FINISHED'],
  handler:
    ({ commands, status, logger }) =>
    async (call) => {
      const caller = callerOf(call.request);
      const { id } = await findVisible(status, call);
      const outcome = await commands.pauseRotation(actorOf(caller), { rotationId: id, ...call.body });
      const view = steered(status, outcome);
      if (outcome.kind === 'changed') logger.info('rotation paused', whoAndWhat(call.request));
      return rotationResponse(view, pauseMessage, caller);
    },
});
