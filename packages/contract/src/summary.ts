import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { AnyCaseUuid, RotationId, Timestamp, Uuid } from './ids.ts';

export const summaryMessage = 'Summary of DEK rotations';

export const SummaryQuery = Type.Object(
  { tenantId: Type.Optional(AnyCaseUuid) },
  { additionalProperties: false },
);

const number = Type.Integer({ minimum: 0 });

const Need = Type.Enum([
  'paused',
  'failed',
  'completed_with_failures',
  'integrity',
  'internal',
  'kek_suspended',
]);

export const SummaryResponse = answer(
  'Summary',
  Type.Literal(summaryMessage),
  Type.Object(
    {
      tenantId: Type.Union([Uuid, Type.Null()], { description: 'Null: of all tenants.' }),
      rotations: Type.Object(
        {
          in_progress: number,
          paused: number,
          completed: number,
          completed_with_failures: number,
          failed: number,
          cancelled: number,
        },
        { additionalProperties: false, description: 'All that ever were, by status.' },
      ),
      needsSomebody: Type.Object(
        {
          count: number,
          byReason: Type.Object(
            {
              paused: number,
              failed: number,
              completed_with_failures: number,
              integrity: number,
              internal: number,
              kek_suspended: number,
            },
            { additionalProperties: false },
          ),
          rotations: Type.Array(
            Type.Object(
              {
                rotationId: RotationId,
                tenantId: Uuid,
                reason: Need,
                since: Type.String({
                  ...Timestamp,
                  description: 'When it was paused, has ended, or began to wait for that.',
                }),
              },
              { additionalProperties: false },
            ),
            { maxItems: 100, description: 'Of these, those that have stood longest.' },
          ),
        },
        {
          additionalProperties: false,
          description:
            'Paused for more than 24 hours; failed or completed with failures, without a completed rotation of the tenant behind it; or waiting for what does not end by itself.',
        },
      ),
      activeKeyAges: Type.Array(
        Type.Object(
          {
            daysBelow: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
              description: 'Younger than so many days of 24 hours; null: older than all of these.',
            }),
            keys: number,
          },
          { additionalProperties: false },
        ),
        { description: 'Active DEKs by age, to the full hour; each is counted once.' },
      ),
      byPolicy: Type.Union(
        [
          Type.Object(
            { fresh: number, due: number, overdue: number, orphaned: number, seenAt: Timestamp },
            { additionalProperties: false },
          ),
          Type.Null(),
        ],
        {
          description:
            'Active DEKs for which a policy says when, by how they stand, as a worker saw it at `seenAt`. Null: none has looked within the last minute.',
        },
      ),
      wrappingsByPolicy: Type.Union(
        [
          Type.Object(
            { fresh: number, due: number, overdue: number, orphaned: number, seenAt: Timestamp },
            { additionalProperties: false },
          ),
          Type.Null(),
        ],
        {
          description:
            'Tenants for which a policy says how old the wrapping of DEKs gets, by how it stands; null as `byPolicy` is.',
        },
      ),
    },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: summaryMessage,
        data: {
          tenantId: null,
          rotations: {
            in_progress: 1,
            paused: 0,
            completed: 41,
            completed_with_failures: 0,
            failed: 0,
            cancelled: 2,
          },
          needsSomebody: {
            count: 0,
            byReason: {
              paused: 0,
              failed: 0,
              completed_with_failures: 0,
              integrity: 0,
              internal: 0,
              kek_suspended: 0,
            },
            rotations: [],
          },
          activeKeyAges: [
            { daysBelow: 1, keys: 3 },
            { daysBelow: 7, keys: 12 },
            { daysBelow: 30, keys: 25 },
            { daysBelow: 90, keys: 0 },
            { daysBelow: 180, keys: 0 },
            { daysBelow: 365, keys: 0 },
            { daysBelow: null, keys: 0 },
          ],
          byPolicy: { fresh: 36, due: 3, overdue: 1, orphaned: 0, seenAt: '2025-07-10T14:34:57.000Z' },
          wrappingsByPolicy: {
            fresh: 40,
            due: 0,
            overdue: 0,
            orphaned: 0,
            seenAt: '2025-07-10T14:34:57.000Z',
          },
        },
        timestamp: '2025-07-10T14:35:02.000Z',
      },
    ],
  },
);
export type SummaryResponse = Static<typeof SummaryResponse>;
