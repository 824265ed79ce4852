import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { RotationId, Timestamp, Uuid } from './ids.ts';
import { RotationPhase } from './rotation.ts';

export const timelineMessage = 'DEK rotation timeline';

/** More than a rotation ever has: each pause and resume is one. */
export const timelineEventsMax = 1_000;

/** An event of a rotation, as people read it; with its hash it stands in the audit. */
export const RotationEvent = Type.Object(
  {
    sequence: Type.Integer({
      minimum: 1,
      description: "Its place in the tenant's chain; the `id` of a stream's events.",
    }),
    at: Timestamp,
    kind: Type.String({ description: 'As in `rotation.paused`.' }),
    actor: Type.Object(
      {
        kind: Type.String({ description: '`user`, `policy`, `campaign`, `worker` or `operator`.' }),
        realm: Type.Union([Type.String(), Type.Null()]),
        id: Type.String(),
      },
      { additionalProperties: false },
    ),
    reason: Type.Union([Type.String(), Type.Null()], { description: 'What the actor gave as one.' }),
    failureReason: Type.Union([Type.String(), Type.Null()], { description: 'Of a rotation that failed.' }),
  },
  { additionalProperties: false },
);
export type RotationEvent = Static<typeof RotationEvent>;

export const TimelineResponse = answer(
  'Timeline',
  Type.Literal(timelineMessage),
  Type.Object(
    {
      rotationId: RotationId,
      tenantId: Uuid,
      phases: Type.Array(
        Type.Object(
          {
            phase: Type.Exclude(RotationPhase, Type.Literal('done')),
            begin: Timestamp,
            end: Type.Union([Timestamp, Type.Null()], { description: 'Null: it lasts.' }),
            durationMs: Type.Integer({ minimum: 0, description: 'Until now, while it lasts.' }),
          },
          { additionalProperties: false },
        ),
        { description: 'In order. Of rotations of earlier versions only what is known of them.' },
      ),
      events: Type.Array(RotationEvent, { maxItems: timelineEventsMax, description: 'In order.' }),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: timelineMessage,
        data: {
          rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
          tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
          phases: [
            {
              phase: 'queued',
              begin: '2025-07-10T14:35:00.000Z',
              end: '2025-07-10T14:35:00.120Z',
              durationMs: 120,
            },
          ],
          events: [],
        },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type TimelineResponse = Static<typeof TimelineResponse>;
