import { useEffect, useState } from 'preact/hooks';
import { send } from './api.js';
import { count, counted, duration, time } from './format.js';
import { html } from './html.js';
import { Trouble } from './parts.js';

/** Whoever types is not interrupted, and the API is not asked for each letter. */
const stillMs = 350;

const isAsked = (/** @type {any} */ { onKek, olderThanDays, tenantIds, action, kek }) =>
  onKek !== '' &&
  !Number.isNaN(olderThanDays) &&
  tenantIds?.length !== 0 &&
  (action !== 'rewrap' || kek !== '');

/**
 * What the API says that a campaign would take, asked anew when what is asked for has been still for a moment. `found` is of exactly
 * this body, or null. @param {any} body
 */
export function useSimulation({ reason: _, ...body }) {
  const asked = JSON.stringify(body);
  const [state, setState] = useState(/** @type {any} */ ({ asked: null, found: null, problem: null }));
  useEffect(() => {
    if (!isAsked(body)) return;
    let over = false;
    const timer = setTimeout(async () => {
      const answer = await send({ method: 'POST', path: '/campaigns/simulate', body }).then(
        (found) => ({ asked, found, problem: null }),
        (problem) => ({ asked, found: null, problem }),
      );
      if (!over) setState(answer);
    }, stillMs);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [asked]);
  return state.asked === asked && isAsked(body) ? state : { asked, found: null, problem: null };
}

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
