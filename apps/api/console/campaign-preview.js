import { count, counted, duration, time } from './format.js';
import { useAnswerTo } from './hooks-of-ours.js';
import { html } from './html.js';
import { Trouble } from './parts.js';

const isAsked = (/** @type {any} */ { onKek, olderThanDays, tenantIds, action, kek }) =>
  onKek !== '' &&
  !Number.isNaN(olderThanDays) &&
  tenantIds?.length !== 0 &&
  (action !== 'rewrap' || kek !== '');

/** What the API says that a campaign would take: of exactly this body, or nothing. @param {any} body */
export const useSimulation = ({ reason: _, ...body }) =>
  useAnswerTo('/campaigns/simulate', isAsked(body) ? body : null);

const range = (/** @type {number} */ low, /** @type {number} */ high) => {
  const [from, to] = [duration(low * 1_000), duration(high * 1_000)];
  return from === to ? from : `${from} to ${to}`;
};

/** @param {any} found */
function ending({ seconds, endsAt, assumed: { workers } }) {
  if (endsAt === null) return 'It would start nobody just now: a compromised key is replaced first.';
  const restsOn = seconds.by === 'measured' ? 'as measured here' : 'assumed: nothing like it has ended here';
  return `It takes ${range(seconds.low, seconds.high)} with ${counted(workers, 'worker')} (${restsOn}); begun now, the last one has ended by ${time(endsAt.latest)}.`;
}

/** For whom a campaign would be, and until when, before it begins. @param {{simulation: ReturnType<typeof useSimulation>}} props */
export function CampaignPreview({ simulation: { found, problem } }) {
  return html`<div class="hint" aria-live="polite">${
    found !== null &&
    html`<p>It is for ${counted(found.tenantsTotal, 'tenant')} with ${counted(found.itemsTotal, 'record')}${found.skipped.count > 0 && html`, of whom it would skip ${count(found.skipped.count)} that are being worked on`}.</p>
    <p>${ending(found)}</p>
    ${found.policyNotKept.count > 0 && html`<p>The policies of ${counted(found.policyNotKept.count, 'tenant')} may not be kept, of ${count(found.policyNotKept.certain)} for certain.</p>`}`
  }</div>
  <${Trouble} problem=${problem} />`;
}
