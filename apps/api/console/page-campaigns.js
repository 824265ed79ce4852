import { search } from './api.js';
import { CampaignBar, CampaignLink, countsText, whatText, whomText } from './campaign.js';
import { StartCampaign } from './campaign-form.js';
import { go, useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Heading, Link, State, Table, Trouble, When } from './parts.js';

/** All campaigns, the latest first. */
export function CampaignsPage({ query }) {
  const { cursor } = query;
  const { mayForAll } = useSession();
  const may = mayForAll.includes('listCampaigns');
  // No stream tells of campaigns: the first page is asked again, gently.
  const { data, problem } = useRead(
    may ? `/campaigns${search({ cursor, limit: 50 })}` : null,
    cursor ? 0 : 5_000,
  );
  if (!may)
    return html`<${Heading} title="Campaigns" lead="They concern the whole installation, and are for those who act on all of it." />`;
  const started = (/** @type {any} */ { campaignId }) => go(`/console/campaigns/${campaignId}`);
  return html`
    <${Heading} title="Campaigns" lead="The same for many tenants, one after another and within bounds."><${StartCampaign} onDone=${started} /></${Heading}>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${CampaignTable} campaigns=${data.campaigns} />
    <p class="pager">${cursor && html`<${Link} href="/console/campaigns">First page</${Link}>`}
      ${data.nextCursor !== null && html`<${Link} href=${`/console/campaigns${search({ cursor: data.nextCursor })}`}>Older ones</${Link}>`}</p>`
    }`;
}

/** @param {{campaigns: any[]}} props */
export const CampaignTable = ({ campaigns }) =>
  html`<${Table} caption="Campaigns, the latest first" empty="There is none."
    columns=${[{ name: 'Campaign' }, { name: 'What' }, { name: 'For' }, { name: 'Status' }, { name: 'Tenants' }, { name: 'Started' }, { name: 'By' }]}
    rows=${campaigns.map((campaign) => [
      html`<${CampaignLink} id=${campaign.campaignId} />`,
      whatText(campaign),
      whomText(campaign.whom),
      html`<${State} of=${campaign.status} />${campaign.stoppedFor !== null ? ' stopped by itself' : ''}`,
      html`<span class="progress"><${CampaignBar} byState=${campaign.tenantsByState} /><small>${countsText(campaign.tenantsByState)}</small></span>`,
      html`<${When} at=${campaign.startedAt} />`,
      campaign.initiatedBy.name ?? campaign.initiatedBy.id,
    ])} />`;
