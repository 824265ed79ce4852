import { count, counted } from './format.js';
import { useRead } from './hooks-of-ours.js';
import { html } from './html.js';

/** How many keys are older, as far as the figures tell: at least, and at most. @param {{daysBelow: number | null, keys: number}[]} ages @param {number} days */
function olderThan(ages, days) {
  let [least, most, from] = [0, 0, 0];
  for (const { daysBelow, keys } of ages) {
    if (daysBelow === null || daysBelow > days) most += keys;
    if (from >= days) least += keys;
    from = daysBelow ?? from;
  }
  return [least, most];
}

/** For whom a campaign would be, before it begins: by the figures that the console has. @param {{body: any}} props */
export function CampaignPreview({ body: { all, onKek, olderThanDays, tenantIds, action } }) {
  const summary = useRead('/summary');
  const keks = useRead('/keks');
  const told = () => {
    if (tenantIds !== undefined) return `${counted(tenantIds.length, 'tenant')}, each once.`;
    if (onKek !== undefined) {
      const found = (keks.data?.keks ?? []).find(({ name }) => name === onKek);
      if (found === undefined) return keks.data === null ? '' : 'No KEK of that name holds a key.';
      const { active, deactivated, compromised } = found.keys;
      return action === 'rewrap'
        ? `those of the ${counted(active + deactivated + compromised, 'key')} under it.`
        : `${counted(active, 'tenant')} with an active key under it.`;
    }
    if (summary.data === null) return '';
    const ages = summary.data.activeKeyAges;
    const whole = ages.reduce((/** @type {number} */ sum, /** @type {any} */ { keys }) => sum + keys, 0);
    if (all) return `${counted(whole, 'tenant')}, all that have an active key.`;
    const [least, most] = olderThan(ages, olderThanDays);
    const range = least === most ? count(least) : `${count(least ?? 0)} to ${count(most ?? 0)}`;
    return `${range} of ${counted(whole, 'tenant')} with an active key.`;
  };
  return html`<p class="hint" aria-live="polite">It is for ${told()}</p>`;
}
