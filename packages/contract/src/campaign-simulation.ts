import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import { CampaignBody, campaignMessages } from './campaigns.ts';
import { Timestamp, Uuid } from './ids.ts';

const { reason: _, ...asked } = CampaignBody.properties;

/** As a campaign is asked for, without a reason: nothing is done. */
export const CampaignSimulationBody = Type.Object(asked, {
  additionalProperties: false,
  examples: [{ olderThanDays: 365, canaries: 3, atOnceMax: 20, perHourMax: 500 }],
});
export type CampaignSimulationBody = Static<typeof CampaignSimulationBody>;

export const simulatedTenantsMax = 100;

const Count = Type.Integer({ minimum: 0 });
const Ends = Type.Object({ earliest: Timestamp, latest: Timestamp }, { additionalProperties: false });

export const CampaignSimulation = Type.Object(
  {
    tenantsTotal: Type.Integer({
      minimum: 0,
      description: 'Whom it would be for, those that it would skip among them.',
    }),
    itemsTotal: Type.Integer({ minimum: 0, description: 'Records of those that it would start.' }),
    skipped: Type.Object(
      {
        count: Count,
        tenants: Type.Array(
          Type.Object(
            {
              tenantId: Uuid,
              reason: Type.Enum(['rotation_in_progress', 'rewrap_in_progress']),
              workId: Type.String({ pattern: '^(rot|rewrap)-' }),
            },
            { additionalProperties: false },
          ),
          { maxItems: simulatedTenantsMax, description: 'The first of them, in the order of their turns.' },
        ),
      },
      {
        additionalProperties: false,
        description: 'As they stand now: it may be others when their turn comes.',
      },
    ),
    seconds: Type.Object(
      {
        low: Type.Number({ minimum: 0 }),
        high: Type.Number({ minimum: 0 }),
        by: Type.Enum(['measured', 'assumed'], {
          description:
            '`measured`: from rotations that ended here; `assumed`: of some tenant nothing like it has, so that the range is wide.',
        }),
      },
      { additionalProperties: false, description: 'From its beginning until the last one has ended.' },
    ),
    endsAt: Type.Union([Ends, Type.Null()], {
      description:
        'If it began now, and ran without failures and pauses. Null: it would start nobody for now, for a rotation because of a compromised key.',
    }),
    assumed: Type.Object(
      {
        workers: Type.Integer({ minimum: 0, description: 'Live ones.' }),
        atOnce: Type.Object(
          { low: Count, high: Count },
          {
            additionalProperties: false,
            description:
              'At the latest end as many run at once as there are workers (one, where there is none); at the earliest as many as `atOnceMax`.',
          },
        ),
      },
      { additionalProperties: false },
    ),
    policyNotKept: Type.Object(
      {
        count: Type.Integer({
          minimum: 0,
          description: 'Tenants whose key may be overdue before their turn has ended.',
        }),
        certain: Type.Integer({ minimum: 0, description: 'Those of them where it is even at the earliest.' }),
        tenants: Type.Array(
          Type.Object(
            { tenantId: Uuid, overdueAt: Timestamp, endsAt: Ends, certain: Type.Boolean() },
            { additionalProperties: false },
          ),
          { maxItems: simulatedTenantsMax, description: 'Those that are overdue first.' },
        ),
      },
      {
        additionalProperties: false,
        description:
          'By the campaign alone: that policies rotate keys by themselves meanwhile is left out. Of rewraps none.',
      },
    ),
  },
  { additionalProperties: false },
);
export type CampaignSimulation = Static<typeof CampaignSimulation>;

export const CampaignSimulationResponse = answer(
  'CampaignSimulation',
  Type.Literal(campaignMessages.simulate),
  CampaignSimulation,
  {
    examples: [
      {
        success: true,
        message: campaignMessages.simulate,
        data: {
          tenantsTotal: 1200,
          itemsTotal: 481_220,
          skipped: {
            count: 1,
            tenants: [
              {
                tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
                reason: 'rotation_in_progress',
                workId: 'rot-550e8400-e29b-41d4-a716-446655440001',
              },
            ],
          },
          seconds: { low: 7205.2, high: 7980.4, by: 'measured' },
          endsAt: { earliest: '2025-07-10T16:35:05.200Z', latest: '2025-07-10T16:48:00.400Z' },
          assumed: { workers: 2, atOnce: { low: 2, high: 20 } },
          policyNotKept: { count: 0, certain: 0, tenants: [] },
        },
        timestamp: '2025-07-10T14:35:00.000Z',
      },
    ],
  },
);
export type CampaignSimulationResponse = Static<typeof CampaignSimulationResponse>;
