import Type from 'typebox';
import { RotationHeaders } from './rotation.ts';

export const eventStreamType = 'text/event-stream';

export const FollowHeaders = Type.Object({
  ...RotationHeaders.properties,
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'The `id` of the last event that was seen: those since then come behind the snapshot.',
    }),
  ),
});

/** Why a stream ends: only behind `ended` there is nothing more to follow. */
export const byeReasons = ['ended', 'token_expired', 'shutdown', 'gone'] as const;
export type ByeReason = (typeof byeReasons)[number];
