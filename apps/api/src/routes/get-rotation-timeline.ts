import {
  formatRotationId,
  RotationHeaders,
  RotationParams,
  TimelineResponse,
  timelineMessage,
} from '@rekey/contract';
import { findVisible } from '../find-visible.ts';
import { rotationEventJson } from '../rotation-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** What happened to a rotation, and how long what took. */
export const getRotationTimeline = route({
  operationId: 'getRotationTimeline',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/timeline',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Tell what happened to a rotation, and how long each phase took',
  request: { params: RotationParams, headers: RotationHeaders },
  answers: { 200: { description: 'Phases and events, in order.', schema: TimelineResponse } },
  errors: ['ROTATION_NOT_FOUND'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const { phases, events } = await rotations.timeline(view.id);
      return success<TimelineResponse>(timelineMessage, {
        rotationId: formatRotationId(view.id),
        tenantId: view.tenantId,
        phases: phases.map(({ phase, begin, end, durationMs }) => ({
          phase,
          begin: begin.toISOString(),
          end: end?.toISOString() ?? null,
          durationMs,
        })),
        events: events.map(rotationEventJson),
      });
    },
});
