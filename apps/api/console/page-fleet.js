import { Histogram } from './charts.js';
import { count, counted } from './format.js';
import { useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { CampaignTable } from './page-campaigns.js';
import { Heading, Link, Section, State, Table, Trouble } from './parts.js';

/** All tenants that the caller may see, as figures. */
export function FleetPage() {
  const { data, problem } = useRead('/summary', 10_000);
  const { mayForAll } = useSession();
  const campaigns = useRead(mayForAll.includes('listCampaigns') ? '/campaigns?limit=5' : null, 10_000);
  const keks = useRead('/keks', 30_000);
  const keys = data === null ? 0 : data.activeKeyAges.reduce((sum, { keys: own }) => sum + own, 0);
  return html`
    <${Heading} title="Fleet" lead=${data !== null && (data.tenantId === null ? `${counted(keys, 'tenant')} with an active key` : 'Your tenant only')} />
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`
    <${Section} title="Age of active keys"><${Histogram} ages=${data.activeKeyAges} /></${Section}>
    ${
      data.byPolicy !== null &&
      html`<${Section} title="Active keys by their policy" aside=${html`<${Link} href="/console/tenants">Tenants</${Link}>`}><${Table} caption="Active keys for which a policy says when" empty="None."
      columns=${[{ name: 'Level' }, { name: 'Keys', number: true }]}
      rows=${['fresh', 'due', 'overdue', 'orphaned'].map((level) => [html`<${Link} href=${`/console/tenants?level=${level}`}><${State} of=${level} /></${Link}>`, count(data.byPolicy[level])])} />
      <${Table} caption="Tenants by how old the wrapping of their keys is" empty="" columns=${[{ name: 'Wrapping' }, { name: 'Tenants', number: true }]}
      rows=${['fresh', 'due', 'overdue', 'orphaned'].map((level) => [html`<${Link} href=${`/console/tenants?wrapping=${level}`}><${State} of=${level} /></${Link}>`, count(data.wrappingsByPolicy[level])])} /></${Section}>`
    }
    <${Section} title="Rotations by outcome"><${Table} caption="Rotations by status" empty="None."
      columns=${[{ name: 'Status' }, { name: 'Rotations', number: true }]}
      rows=${Object.entries(data.rotations).map(([status, n]) => [html`<${Link} href=${`/console/rotations?status=${status}`}><${State} of=${status} /></${Link}>`, count(n)])} /></${Section}>`
    }
    ${campaigns.data !== null && html`<${Section} title="Campaigns" aside=${html`<${Link} href="/console/campaigns">All of them</${Link}>`}><${CampaignTable} campaigns=${campaigns.data.campaigns} /></${Section}>`}
    <${Section} title="Keys by KEK">${
      keks.data !== null &&
      html`<${Table} caption="Keys under each KEK" empty="No key is stored yet."
      columns=${[{ name: 'KEK' }, { name: 'Provider' }, { name: 'Active', number: true }, { name: 'Deactivated', number: true }, { name: 'Workers', number: true }, { name: 'Vaults', number: true }]}
      rows=${keks.data.keks.map((kek) => [html`<span class="kek" title=${kek.kekId}>${kek.name ?? kek.kekId}</span>`, kek.provider, count(kek.keys.active), count(kek.keys.deactivated), count(kek.workers), count(kek.vaults)])} />`
    }</${Section}>`;
}
