import Type, { type Static } from 'typebox';
import { answer } from './answer.ts';
import {
  CampaignId,
  campaignMessages,
  campaignOrders,
  campaignsLimitDefault,
  campaignsLimitMax,
} from './campaigns.ts';
import { Timestamp, Uuid } from './ids.ts';
import { Initiator } from './rotate.ts';

const Count = Type.Integer({ minimum: 0 });
const nullable = <Schema extends Type.TSchema>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

export const campaignMemberStates = [
  'waiting',
  'running',
  'completed',
  'completed_with_failures',
  'failed',
  'cancelled',
  'skipped',
] as const;

export const Campaign = Type.Object(
  {
    campaignId: CampaignId,
    action: Type.Enum(['rotate', 'rewrap']),
    whom: Type.Object(
      {
        all: Type.Optional(Type.Literal(true)),
        onKek: Type.Optional(Type.String()),
        olderThanDays: Type.Optional(Count),
        tenants: Type.Optional(Count),
      },
      {
        additionalProperties: false,
        description: 'As it was asked for; of a list of ids how many. Chosen once, when it began.',
      },
    ),
    kek: nullable(Type.String()),
    order: Type.Enum([...campaignOrders]),
    canaries: Count,
    atOnceMax: Count,
    perHourMax: nullable(Count),
    failuresMax: Count,
    callsPerSecondMax: nullable(Count),
    status: Type.Enum(['in_progress', 'paused', 'completed', 'completed_with_failures', 'cancelled'], {
      description: '`completed`: whoever was not skipped ended well.',
    }),
    stoppedFor: nullable(
      Type.Enum(['failures', 'canary']),
      'Of a paused one that stopped by itself: too many ended otherwise than well, or a canary did.',
    ),
    waitingFor: nullable(
      Type.Enum(['canaries', 'per_hour', 'compromise']),
      'Why it starts nobody just now, besides that enough are running. `compromise`: DEKs that others know are replaced first.',
    ),
    tenantsTotal: Count,
    tenantsByState: Type.Object(
      {
        waiting: Count,
        running: Count,
        completed: Count,
        completed_with_failures: Count,
        failed: Count,
        cancelled: Count,
        skipped: Count,
      },
      { additionalProperties: false },
    ),
    percentComplete: Type.Number({ minimum: 0, maximum: 100, description: 'Of tenants.' }),
    startedAt: Timestamp,
    completedAt: nullable(Timestamp),
    initiatedBy: Initiator,
  },
  { additionalProperties: false },
);
export type Campaign = Static<typeof Campaign>;

const example: Campaign = {
  campaignId: 'campaign-550e8400-e29b-41d4-a716-446655440004',
  action: 'rotate',
  whom: { olderThanDays: 365 },
  kek: null,
  order: 'smallest_first',
  canaries: 3,
  atOnceMax: 20,
  perHourMax: 500,
  failuresMax: 5,
  callsPerSecondMax: null,
  status: 'in_progress',
  stoppedFor: null,
  waitingFor: null,
  tenantsTotal: 1200,
  tenantsByState: {
    waiting: 890,
    running: 20,
    completed: 288,
    completed_with_failures: 0,
    failed: 0,
    cancelled: 0,
    skipped: 2,
  },
  percentComplete: 24.1,
  startedAt: '2025-07-10T14:35:00.000Z',
  completedAt: null,
  initiatedBy: { id: 'a1b2c3', name: 'Ada Example', email: 'ada@example.com' },
};
const timestamp = '2025-07-10T14:50:00.000Z';

export const CampaignResponse = answer(
  'Campaign',
  Type.Enum([
    campaignMessages.start,
    campaignMessages.get,
    campaignMessages.pause,
    campaignMessages.resume,
    campaignMessages.cancel,
  ]),
  Campaign,
  { examples: [{ success: true, message: campaignMessages.get, data: example, timestamp }] },
);
export type CampaignResponse = Static<typeof CampaignResponse>;

const Limit = Type.Integer({
  minimum: 1,
  maximum: campaignsLimitMax,
  default: campaignsLimitDefault,
  title: `limit (an integer from 1 to ${campaignsLimitMax})`,
});

export const CampaignsQuery = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        maxLength: 36,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(Limit),
  },
  { additionalProperties: false },
);

const NextCursor = Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' });

export const CampaignsResponse = answer(
  'Campaigns',
  Type.Literal(campaignMessages.list),
  Type.Object(
    { campaigns: Type.Array(Campaign, { maxItems: campaignsLimitMax }), nextCursor: NextCursor },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: campaignMessages.list,
        data: { campaigns: [example], nextCursor: null },
        timestamp,
      },
    ],
  },
);
export type CampaignsResponse = Static<typeof CampaignsResponse>;

export const CampaignTenantsQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Enum([...campaignMemberStates], { title: `state (${campaignMemberStates.join(', ')})` }),
    ),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,9}$',
        maxLength: 9,
        title: 'cursor',
        description: '`nextCursor` of the page before.',
      }),
    ),
    limit: Type.Optional(Limit),
  },
  { additionalProperties: false },
);

const CampaignTenant = Type.Object(
  {
    tenantId: Uuid,
    position: Type.Integer({ minimum: 1, description: 'In which order they are started.' }),
    items: Type.Integer({ minimum: 0, description: 'Records, counted when the campaign began.' }),
    state: Type.Enum([...campaignMemberStates]),
    canary: Type.Boolean(),
    workId: nullable(
      Type.String({ pattern: '^(rot|rewrap)-' }),
      'The rotation or rewrap that was started for it, or was in its way.',
    ),
    reason: nullable(Type.String(), 'Why it was skipped or failed, such as `rotation_in_progress`.'),
    startedAt: nullable(Timestamp),
    endedAt: nullable(Timestamp),
  },
  { additionalProperties: false },
);
export type CampaignTenant = Static<typeof CampaignTenant>;

export const CampaignTenantsResponse = answer(
  'CampaignTenants',
  Type.Literal(campaignMessages.tenants),
  Type.Object(
    { tenants: Type.Array(CampaignTenant, { maxItems: campaignsLimitMax }), nextCursor: NextCursor },
    { additionalProperties: false },
  ),
  {
    examples: [
      {
        success: true,
        message: campaignMessages.tenants,
        data: {
          tenants: [
            {
              tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
              position: 1,
              items: 85,
              state: 'skipped',
              canary: false,
              workId: 'rot-550e8400-e29b-41d4-a716-446655440001',
              reason: 'rotation_in_progress',
              startedAt: null,
              endedAt: timestamp,
            },
          ],
          nextCursor: null,
        },
        timestamp,
      },
    ],
  },
);
export type CampaignTenantsResponse = Static<typeof CampaignTenantsResponse>;
