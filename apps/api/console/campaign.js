/** @import {Action} from './action.js' */
import { count, counted, words } from './format.js';
import { html } from './html.js';
import { Link, State } from './parts.js';

/** How a tenant of a campaign stands, in the order of the bar. */
export const memberStates = [
  'completed',
  'running',
  'waiting',
  'completed_with_failures',
  'failed',
  'cancelled',
  'skipped',
];
const fills = {
  completed: 'done',
  running: 'superseded',
  waiting: 'left',
  completed_with_failures: 'failed',
  failed: 'failed',
  cancelled: 'failed',
  skipped: 'passed',
};

export const CampaignLink = ({ id }) =>
  html`<${Link} href=${`/console/campaigns/${id}`} class="id" title=${id}>${id.slice(0, 17)}</${Link}>`;

/** Whom it is for, as it was asked for. @param {any} whom */
export function whomText({ all, onKek, olderThanDays, tenants }) {
  if (all) return 'every tenant with a key in use';
  if (onKek !== undefined) return `tenants with a key under ${onKek}`;
  if (olderThanDays !== undefined)
    return `tenants whose key is in use for more than ${counted(olderThanDays, 'day')}`;
  return `${counted(tenants, 'tenant')} by their ids`;
}

/** @param {any} campaign */
export const whatText = ({ action, kek }) => (action === 'rotate' ? 'rotate' : `rewrap under ${kek}`);

/** @param {any} byState */
export const countsText = (byState) =>
  memberStates
    .filter((state) => byState[state] > 0)
    .map((state) => `${count(byState[state])} ${words(state)}`)
    .join(', ') || 'nobody';

/** Its tenants by state, as one bar. */
export const CampaignBar = ({ byState }) =>
  html`<span class="bar" role="img" aria-label=${`tenants: ${countsText(byState)}`}>${memberStates.map(
    (state) => html`<i class=${/** @type {any} */ (fills)[state]} style=${{ flexGrow: byState[state] }}></i>`,
  )}</span>`;

/** Its tenants by state, each number a filter. @param {{id: string, byState: any}} props */
export const Counts = ({ id, byState }) =>
  html`<ul class="counts">${memberStates
    .filter((state) => byState[state] > 0)
    .map(
      (state) =>
        html`<li><${Link} href=${`/console/campaigns/${id}?state=${state}`}><b>${count(byState[state])}</b><${State} of=${state} /></${Link}></li>`,
    )}</ul>`;

/** @param {any} campaign @returns {Action[]} what can be done with it as it stands */
export function actionsOfCampaign({ campaignId, status, stoppedFor }) {
  const on = (/** @type {string} */ verb) => ({
    method: 'POST',
    path: `/campaigns/${campaignId}/${verb}`,
    cli: `npx rekey campaign ${verb} ${campaignId}`,
    cliReason: false,
    forAll: true,
  });
  const pause = {
    ...on('pause'),
    operationId: 'pauseCampaign',
    name: 'Pause',
    effect: 'It starts nobody more. What it has started goes on to its end.',
  };
  const resume = {
    ...on('resume'),
    operationId: 'resumeCampaign',
    name: 'Resume',
    effect:
      stoppedFor === null || stoppedFor === undefined
        ? 'It goes on with those who wait.'
        : 'It goes on with those who wait, and what it stopped for is accepted by that: the canaries count as passed, and failures count anew.',
  };
  const cancel = {
    ...on('cancel'),
    operationId: 'cancelCampaign',
    name: 'Cancel',
    danger: true,
    effect:
      'It starts nobody more, for ever. What it has started goes on to its end; whoever waits keeps the key they have.',
  };
  if (status === 'in_progress') return [pause, cancel];
  return status === 'paused' ? [resume, cancel] : [];
}

/** What can be tried with a campaign of which nothing is known. @param {string} campaignId */
export const steeringCampaign = (campaignId) =>
  [{ status: 'in_progress' }, { status: 'paused' }].map(
    (state) => /** @type {Action} */ (actionsOfCampaign({ campaignId, stoppedFor: null, ...state })[0]),
  );
