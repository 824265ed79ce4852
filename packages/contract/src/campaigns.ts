import Type, { type Static } from 'typebox';
import { AnyCaseUuid } from './ids.ts';
import { KekName } from './keks.ts';
import { Reason } from './reason.ts';
import { callsPerSecondDefault } from './rewraps.ts';
import { IdempotencyKey, RealmName } from './rotate.ts';

export const campaignMessages = {
  start: 'Campaign initiated successfully',
  simulate: 'Campaign simulated',
  get: 'Campaign status',
  list: 'Campaigns',
  tenants: 'Tenants of the campaign',
  pause: 'Campaign paused',
  resume: 'Campaign resumed',
  cancel: 'Campaign cancelled',
} as const;

export const campaignsLimitMax = 200;
export const campaignsLimitDefault = 50;
export const campaignTenantsMax = 10_000;
/** Of a body with so many ids, and room for whitespace. */
export const campaignBodyBytesMax = 512 * 1024;

export const campaignDefaults = {
  action: 'rotate',
  order: 'smallest_first',
  canaries: 0,
  atOnceMax: 10,
  failuresMax: 5,
  callsPerSecondMax: callsPerSecondDefault,
} as const;

const hex = '[0-9a-fA-F]';
const anyCase = `${hex}{8}(-${hex}{4}){3}-${hex}{12}`;
const campaignId = new RegExp(`^campaign-(${anyCase})$`);
const example = 'campaign-550e8400-e29b-41d4-a716-446655440004';

export const CampaignId = Type.String({
  pattern: `^campaign-${anyCase.replaceAll('a-fA-F', 'a-f')}$`,
  examples: [example],
});

/** The UUID behind `campaign-`, in lower case, or null when `text` is no id of a campaign. */
export function parseCampaignId(text: string): string | null {
  return campaignId.exec(text)?.[1]?.toLowerCase() ?? null;
}

export function formatCampaignId(id: string): string {
  return `campaign-${id.toLowerCase()}`;
}

export const CampaignParams = Type.Object({
  campaignId: Type.String({ description: 'campaign-<uuid>', examples: [example] }),
});

export const CampaignHeaders = Type.Object({ realmname: Type.Optional(RealmName) });
export const StartCampaignHeaders = Type.Object({
  ...CampaignHeaders.properties,
  'idempotency-key': Type.Optional(IdempotencyKey),
});

export const campaignOrders = ['smallest_first', 'largest_first', 'oldest_key_first', 'as_given'] as const;

const whole = (name: string, minimum: number, maximum: number, description: string) =>
  Type.Optional(
    Type.Integer({
      minimum,
      maximum,
      title: `${name} (an integer from ${minimum} to ${maximum})`,
      description,
    }),
  );

/** What each has to be exactly one of. */
export const campaignWhom = ['all', 'onKek', 'olderThanDays', 'tenantIds'] as const;

export const CampaignBody = Type.Object(
  {
    all: Type.Optional(
      Type.Literal(true, { title: 'true', description: 'Every tenant that has a DEK in use.' }),
    ),
    onKek: Type.Optional(
      Type.String({
        ...KekName,
        description: 'Tenants with a DEK under this KEK: in use, or for a rewrap any that is stored.',
      }),
    ),
    olderThanDays: whole(
      'olderThanDays',
      0,
      100_000,
      'Tenants whose DEK has been in use for more days than that.',
    ),
    tenantIds: Type.Optional(
      Type.Array(AnyCaseUuid, {
        minItems: 1,
        maxItems: campaignTenantsMax,
        title: `list of 1 to ${campaignTenantsMax} UUIDs`,
        description: 'These, each once.',
      }),
    ),
    action: Type.Optional(
      Type.Enum(['rotate', 'rewrap'], {
        default: campaignDefaults.action,
        title: 'rotate or rewrap',
        description: '`rotate`: a new DEK for each. `rewrap`: the same DEKs under the KEK `kek`.',
      }),
    ),
    kek: Type.Optional(
      Type.String({
        ...KekName,
        description: 'With `rewrap`, and only then: the registered KEK that DEKs are brought under.',
      }),
    ),
    order: Type.Optional(
      Type.Enum([...campaignOrders], {
        default: campaignDefaults.order,
        title: campaignOrders.join(', '),
        description:
          'By records, by the age of the DEK, or (with `tenantIds` only) as they were given. Canaries are the first.',
      }),
    ),
    canaries: whole(
      'canaries',
      0,
      1_000,
      'So many come first, and have to end well before any other. 0 unless said.',
    ),
    atOnceMax: whole('atOnceMax', 1, 1_000, 'So many run at once at most. 10 unless said.'),
    perHourMax: whole('perHourMax', 1, 1_000_000, 'So many are started within an hour at most.'),
    failuresMax: whole(
      'failuresMax',
      1,
      10_000,
      'After so many that ended otherwise than well it stops, until somebody resumes it. 5 unless said.',
    ),
    callsPerSecondMax: whole(
      'callsPerSecondMax',
      1,
      10_000,
      'Of each rewrap: calls of KMSs. 100 unless said.',
    ),
    reason: Type.Optional(Reason),
  },
  {
    additionalProperties: false,
    examples: [{ olderThanDays: 365, canaries: 3, atOnceMax: 20, perHourMax: 500, reason: 'yearly' }],
  },
);
export type CampaignBody = Static<typeof CampaignBody>;
