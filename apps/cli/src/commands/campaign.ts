import type { Call, Command } from '../command.ts';
import { yes } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Fact, tellFacts } from '../facts.ts';
import { styled } from '../output.ts';
import { count, counted, statusCell, statusStyle, words } from '../rotation-text.ts';
import { type Cell, openTable } from '../table.ts';
import { moment, momentCell } from '../times.ts';
import { agreed, asked, bodyOf, number } from './campaign-body.ts';
import { simulationLines } from './simulation-lines.ts';

type Client = ReturnType<Call['client']>;
type Campaign = Awaited<ReturnType<Client['getCampaign']>>['data'];
type Body = Parameters<Client['startCampaign']>[0]['body'];
type Member = Awaited<ReturnType<Client['listCampaignTenants']>>['data']['tenants'][number];

const operands = ['campaign'];
const states = [
  'waiting',
  'running',
  'completed',
  'completed_with_failures',
  'failed',
  'cancelled',
  'skipped',
] as const;
const pathOf = ({ operands: [campaignId = ''] }: Call) => ({ campaignId });

/** Why one that is paused stopped by itself, and why one that runs starts nobody just now. */
const reasons: Readonly<Record<string, string>> = {
  failures: 'too many tenants ended otherwise than well',
  canary: 'a canary ended otherwise than well',
  canaries: 'the canaries have to end well first',
  per_hour: 'as many as may have begun within the hour',
  compromise: 'a compromised key is replaced first',
};
const why = (code: string): string => reasons[code] ?? words(code);

function lines(campaign: Campaign): Fact[] {
  const { campaignId, action, kek, status, tenantsByState, tenantsTotal, stoppedFor, waitingFor } = campaign;
  const states = Object.entries(tenantsByState).filter(([, many]) => many > 0);
  const facts: Fact[] = [
    ['campaign', campaignId],
    ['does', `${action} ${counted(tenantsTotal, 'tenant')}${kek === null ? '' : ` under ${kek}`}`],
    ['status', styled(statusStyle(status), words(status)), `, ${campaign.percentComplete} %`],
    ['tenants', states.map(([state, many]) => `${count(many)} ${words(state)}`).join(', ')],
    ['started', `${moment(campaign.startedAt)} by ${campaign.initiatedBy.name ?? campaign.initiatedBy.id}`],
  ];
  if (campaign.completedAt !== null) facts.push(['ended', moment(campaign.completedAt)]);
  if (stoppedFor !== null)
    facts.push(['stopped', `${why(stoppedFor)}. To let it go on: rekey campaign resume CAMPAIGN`]);
  if (waitingFor !== null) facts.push(['waits', `it starts nobody just now: ${why(waitingFor)}`]);
  return facts;
}

const columns = [
  { heading: 'CAMPAIGN' },
  { heading: 'DOES' },
  { heading: 'STATUS' },
  { heading: 'DONE', isNumber: true },
  { heading: 'TENANTS', isNumber: true },
  { heading: 'STARTED (UTC)' },
];

const row = (campaign: Campaign): (Cell | string)[] => [
  campaign.campaignId,
  { text: campaign.action, short: '' },
  statusCell(campaign),
  { text: `${campaign.percentComplete} %`, short: '' },
  { text: String(campaign.tenantsTotal), shown: count(campaign.tenantsTotal), short: '' },
  momentCell(campaign.startedAt),
];

function show(call: Call, campaign: Campaign): number {
  call.tell(campaign, () => tellFacts(call.out, lines(campaign)));
  return exitCodes.completed;
}

export const campaignStart: Command = {
  name: 'campaign start',
  about: 'rotate or rewrap the keys of many tenants, within bounds',
  remote: true,
  options: {
    ...asked,
    failures: { value: 'N', about: 'stop after so many that did not end well, 5 unless said' },
    reason: { value: 'TEXT', about: 'why; kept with the event' },
    yes,
  },
  async run(call) {
    const simulated = await bodyOf(call);
    const [reason, failuresMax] = [call.option('reason'), number(call, 'failures', 1)];
    await agreed(call, simulated);
    const body: Body = {
      ...simulated,
      ...(failuresMax === undefined ? {} : { failuresMax }),
      ...(reason === undefined ? {} : { reason }),
    };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return show(call, (await call.client().startCampaign({ headers, body })).data);
  },
};

export const campaignSimulate: Command = {
  name: 'campaign simulate',
  about: 'say what a campaign would take, and whose policy it cannot keep, without starting it',
  remote: true,
  options: asked,
  async run(call) {
    const body = await bodyOf(call);
    const simulated = (await call.client().simulateCampaign({ body })).data;
    call.tell(simulated, () => {
      for (const line of simulationLines(simulated)) call.out.line(line);
    });
    return exitCodes.completed;
  },
};

export const campaignStatus: Command = {
  name: 'campaign status',
  operands,
  about: 'say how a campaign stands',
  remote: true,
  run: async (call) => show(call, (await call.client().getCampaign({ path: pathOf(call) })).data),
};

export const campaignList: Command = {
  name: 'campaign list',
  about: 'list campaigns, the latest first',
  remote: true,
  async run(call) {
    const campaigns: Campaign[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = {
        limit: 200,
        ...(cursor === null ? {} : { cursor }),
      };
      const page: { campaigns: Campaign[]; nextCursor: string | null } = (
        await call.client().listCampaigns({ query })
      ).data;
      cursor = page.nextCursor;
      campaigns.push(...page.campaigns);
    } while (cursor !== null);
    call.tell({ campaigns }, () => {
      openTable(call.out, columns).add(campaigns.map(row));
      if (campaigns.length === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};

const memberColumns = [
  { heading: 'TENANT' },
  { heading: 'STATE' },
  { heading: 'ROTATION OR REWRAP' },
  { heading: 'WHY', least: 12 },
];

const memberRow = ({ tenantId, state, workId, reason }: Member): (Cell | string)[] => [
  tenantId,
  { text: words(state), style: state === 'completed' || isQuiet(state) ? undefined : 'bad' },
  workId ?? '',
  words(reason ?? ''),
];
const isQuiet = (state: Member['state']): boolean => ['waiting', 'running', 'skipped'].includes(state);

export const campaignTenants: Command = {
  name: 'campaign tenants',
  operands,
  about: 'list the tenants of a campaign, and what became of each',
  remote: true,
  options: { state: { value: 'STATE', about: 'only', oneOf: states } },
  async run(call) {
    const state = states.find((one) => one === call.option('state'));
    const tenants: Member[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; state?: Member['state']; cursor?: string } = {
        limit: 200,
        ...(state === undefined ? {} : { state }),
        ...(cursor === null ? {} : { cursor }),
      };
      const page: { tenants: Member[]; nextCursor: string | null } = (
        await call.client().listCampaignTenants({ path: pathOf(call), query })
      ).data;
      cursor = page.nextCursor;
      tenants.push(...page.tenants);
    } while (cursor !== null);
    call.tell({ tenants }, () => {
      openTable(call.out, memberColumns).add(tenants.map(memberRow));
      if (tenants.length === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};

const steered = (
  name: string,
  about: string,
  operation: 'pauseCampaign' | 'resumeCampaign' | 'cancelCampaign',
): Command => ({
  name,
  operands,
  about,
  remote: true,
  run: async (call) => show(call, (await call.client()[operation]({ path: pathOf(call) })).data),
});

export const campaignPause = steered(
  'campaign pause',
  'begin nobody’s turn; what runs goes on',
  'pauseCampaign',
);
export const campaignResume = steered(
  'campaign resume',
  'let a campaign go on that is paused or has stopped',
  'resumeCampaign',
);
export const campaignCancel = steered(
  'campaign cancel',
  'end a campaign; what runs goes on',
  'cancelCampaign',
);
