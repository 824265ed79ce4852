/** @import {Action} from './action.js' */
import { count, short } from './format.js';
import { html } from './html.js';
import { Link } from './parts.js';

export const RewrapLink = ({ id }) =>
  html`<${Link} href=${`/console/rewraps/${id}`} class="id" title=${id}>${short(id)}</${Link}>`;

/** How many keys are under the other KEK, cannot be brought there, and are left. */
export function RewrapBar({ rewrap: { keysRewrapped, keysSetAside, keysRemaining } }) {
  const parts = [
    ['done', keysRewrapped, 'under it'],
    ['failed', keysSetAside, 'set aside'],
    ['left', keysRemaining, 'left'],
  ];
  const text =
    parts
      .filter(([, n]) => n > 0)
      .map(([, n, what]) => `${count(n)} ${what}`)
      .join(', ') || 'no key';
  return html`<span class="progress"><span class="bar" role="img" aria-label=${`keys: ${text}`}>${parts.map(
    ([kind, n]) => html`<i class=${kind} style=${{ flexGrow: n }}></i>`,
  )}</span><small>${text}</small></span>`;
}

/** @param {any} rewrap @returns {Action[]} what can be done with it as it stands */
export function actionsOfRewrap({ rewrapId, tenantId, status }) {
  const on = (/** @type {string} */ verb) => ({
    method: 'POST',
    path: `/kek/rewraps/${rewrapId}/${verb}`,
    cli: `npx rekey rewrap ${verb} ${rewrapId}`,
    cliReason: false,
    forAll: tenantId === null,
  });
  const pause = {
    ...on('pause'),
    operationId: 'pauseRewrap',
    name: 'Pause',
    effect:
      'What is under the other KEK stays there, and everything can be used. No other rewrap of these keys can begin.',
  };
  const resume = {
    ...on('resume'),
    operationId: 'resumeRewrap',
    name: 'Resume',
    effect: 'It goes on with what is left.',
  };
  const cancel = {
    ...on('cancel'),
    operationId: 'cancelRewrap',
    name: 'Cancel',
    danger: true,
    effect:
      'What is under the other KEK stays there: both KEKs are needed until another rewrap has brought all keys to one.',
  };
  if (status === 'in_progress') return [pause, cancel];
  return status === 'paused' ? [resume, cancel] : [];
}
