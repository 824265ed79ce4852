import type { CancelledRotation } from '@rekey/commands';
import {
  cancelMessage,
  RotationHeaders,
  RotationParams,
  RotationResponse,
  SteeringBody,
} from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { route } from '../route.ts';

/** Ends an unfinished rotation; everything stays readable, and the tenant is free. */
export const cancelRotation = route({
  operationId: 'cancelRotation',
  method: 'POST',
  path: '/api/v1/admin/dek/rotations/{rotationId}/cancel',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Cancel an unfinished rotation',
  description:
    'Needs no body; a `reason` is kept with the event. Everything stays readable; records already re-encrypted stay so, and the next rotation sweeps ' +
    'whatever is left on older keys. Repeated it answers 200.',
  request: { params: RotationParams, headers: RotationHeaders, body: SteeringBody, bodyOptional: true },
  answers: { 200: { description: 'The rotation, cancelled.', schema: RotationResponse } },
  errors: ['ROTATION_NOT_FOUND', 'ROTATION_FINISHED'],
  handler:
    ({ commands, status, logger }) =>
    async (call) => {
      const caller = callerOf(call.request);
      const { id } = await findVisible(status, call);
      const outcome = await commands.cancelRotation(actorOf(caller), {
        rotationId: id,
        ...call.body,
      });
      if (outcome.kind === 'cancelled') status.told(outcome);
      const view = cancelledView(outcome);
      if (outcome.kind === 'cancelled') logger.info('rotation cancelled', whoAndWhat(call.request));
      return rotationResponse(view, cancelMessage, caller);
    },
});

function cancelledView(outcome: CancelledRotation): RotationView {
  switch (outcome.kind) {
    case 'cancelled':
      return outcome.view;
    case 'finished':
      if (outcome.view.status === 'cancelled') return outcome.view; // the same call again
      throw new ApiError('ROTATION_FINISHED');
    case 'not_found':
      throw new ApiError('ROTATION_NOT_FOUND');
  }
}
