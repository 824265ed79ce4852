import { eventStreamType, FollowHeaders, RotationParams } from '@rekey/contract';
import Type from 'typebox';
import { findVisible } from '../find-visible.ts';
import { route } from '../route.ts';

/** For whoever watches: what changes comes by itself. */
export const followRotation = route({
  operationId: 'followRotation',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/events',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Follow a rotation by Server-Sent Events',
  description:
    'First `snapshot`, then `progress` whenever something has changed, about once a second: both hold `data` of the ' +
    'rotation. `event` is an event of its timeline; its `id` is the sequence, and nothing else has one. Given back as ' +
    '`Last-Event-ID`, the events since then come behind the snapshot; of one that is not known, the snapshot alone. ' +
    'It ends with `bye`, whose `reason` is `ended` (the rotation has), `token_expired`, `shutdown` or `gone`: ' +
    'only behind `ended` there is nothing more to come.',
  mediaTypes: [eventStreamType],
  request: { params: RotationParams, headers: FollowHeaders },
  answers: {
    200: {
      description: 'Events, as they come.',
      schema: Type.String(),
      media: { [eventStreamType]: { example: 'event: bye\ndata: {"reason":"ended"}\n\n' } },
    },
  },
  errors: ['ROTATION_NOT_FOUND'],
  handler:
    ({ status, following }) =>
    async (call) => {
      const view = await findVisible(status, call);
      // A proxy that gathers answers would keep them back.
      call.reply.type(eventStreamType).header('x-accel-buffering', 'no');
      if (call.request.method === 'HEAD') return '';
      // Nothing else will be asked on it: it ends with the stream.
      call.reply.header('connection', 'close');
      return following.follow(view.id, call.headers['last-event-id'], call);
    },
});
