import { useState } from 'preact/hooks';
import { ActionButton } from './action.js';
import { steering } from './actions.js';
import { countsText, steeringCampaign } from './campaign.js';
import { count, total } from './format.js';
import { useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Bars, Heading, Section, State } from './parts.js';
import { Planning } from './plan.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * For who steers and does not read: rotations and tenants by the ids that others have told. What an operation answers is shown, and
 * nothing else can be.
 */
export function SteerPage({ page, id }) {
  const [rotationId, setRotationId] = useState(page === 'rotations' ? id : '');
  const [tenantId, setTenantId] = useState(page === 'tenants' ? id : '');
  const [rotation, setRotation] = useState(/** @type {any} */ (null));
  const [campaignId, setCampaignId] = useState(page === 'campaigns' ? id : '');
  const [campaign, setCampaign] = useState(/** @type {any} */ (null));
  const { mayForAll } = useSession();
  const input = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) =>
    set(event.target.value.trim());
  return html`
    <${Heading} title="Steer" lead="Your role steers rotations and plans them; lists, keys and the audit are for others." />
    <${Section} title="A rotation">
      <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label>Rotation <input type="search" value=${rotationId} placeholder="rot-…" onInput=${input(setRotationId)} /></label>
      </form>
      ${uuid.test(rotationId.replace(/^rot-/, '')) && html`<div class="actions">${steering(rotationId).map((action) => html`<${ActionButton} key=${action.name} action=${action} onDone=${setRotation} />`)}</div>`}
      ${
        rotation !== null &&
        html`<div role="status"><p><span class="id">${rotation.rotationId}</span> <${State} of=${rotation.status} /> <span class="phase">${rotation.phase}</span>,
          as it answered just now: ${count(rotation.percentComplete)} % of ${count(total(rotation.itemsToRotate))} records.</p>
        <${Bars} rotation=${rotation} /></div>`
      }
    </${Section}>
    ${
      mayForAll.includes('pauseCampaign') &&
      html`<${Section} title="A campaign">
      <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label>Campaign <input type="search" value=${campaignId} placeholder="campaign-…" onInput=${input(setCampaignId)} /></label>
      </form>
      ${uuid.test(campaignId.replace(/^campaign-/, '')) && html`<div class="actions">${steeringCampaign(campaignId).map((action) => html`<${ActionButton} key=${action.name} action=${action} onDone=${setCampaign} />`)}</div>`}
      ${
        campaign !== null &&
        html`<p role="status"><span class="id">${campaign.campaignId}</span> <${State} of=${campaign.status} />,
          as it answered just now: ${countsText(campaign.tenantsByState)}.</p>`
      }
    </${Section}>`
    }
    <${Section} title="A tenant">
      <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label>Tenant <input type="search" value=${tenantId} placeholder="id" onInput=${input(setTenantId)} /></label>
      </form>
      ${uuid.test(tenantId) && html`<${Planning} key=${tenantId} tenantId=${tenantId} onPlan=${() => {}} />`}
    </${Section}>`;
}
