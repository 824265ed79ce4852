import { RotationHeaders, RotationParams, RotationResponse, rotationMessage } from '@rekey/contract';
import { callerOf } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { leaveTogether } from '../leave-together.ts';
import { createPlanned } from '../planned.ts';
import { renderRotation } from '../rendered-rotation.ts';
import { rotationResponse } from '../rotation-json.ts';
import { route } from '../route.ts';
import { renderSuccess } from '../success.ts';

/** What clients poll. */
export const getRotation = route({
  operationId: 'getRotation',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Follow a rotation',
  description: 'Cheap, made for polling. `percentComplete` never decreases, and is 100 only when done.',
  request: { params: RotationParams, headers: RotationHeaders },
  answers: { 200: { description: 'The rotation as it stands.', schema: RotationResponse } },
  errors: ['ROTATION_NOT_FOUND'],
  handler: ({ status, rotations }) => {
    const planned = createPlanned(rotations);
    return async (call) => {
      const view = await findVisible(status, call);
      const found = planned(view);
      const plannedToo = found instanceof Promise ? await found : found;
      await leaveTogether();
      const caller = callerOf(call.request);
      if (plannedToo === null) return renderSuccess(rotationMessage, renderRotation(view, caller));
      const answer = rotationResponse(view, rotationMessage, caller);
      return { ...answer, data: { ...answer.data, ...plannedToo } };
    };
  },
});
