import {
  RotationHeaders,
  RotationParams,
  RotationResponse,
  resumeMessage,
  SteeringBody,
} from '@rekey/contract';
import { actorOf, callerOf } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { route } from '../route.ts';
import { steered } from '../steered.ts';

/** Lets a paused rotation run again, from where it stands. */
export const resumeRotation = route({
  operationId: 'resumeRotation',
  method: 'POST',
  path: '/api/v1/admin/dek/rotations/{rotationId}/resume',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Resume a paused rotation',
  description:
    'Needs no body; a `reason` is kept with the event. It goes on from where it stands. Repeated, or for one that runs, it ' +
    'answers 200',
  request: { params: RotationParams, headers: RotationHeaders, body: SteeringBody, bodyOptional: true },
  answers: { 200: { description: 'The rotation, resumed.', schema: RotationResponse } },
  errors: ['ROTATION_NOT_FOUND', 'ROTATION_FINISHED'],
  handler:
    ({ commands, status, logger }) =>
    async (call) => {
      const caller = callerOf(call.request);
      const { id } = await findVisible(status, call);
      const outcome = await commands.resumeRotation(actorOf(caller), { rotationId: id, ...call.body });
      const view = steered(status, outcome);
      if (outcome.kind === 'changed') logger.info('rotation resumed', whoAndWhat(call.request));
      return rotationResponse(view, resumeMessage, caller);
    },
});
