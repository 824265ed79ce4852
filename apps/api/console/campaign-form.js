import { useRef, useState } from 'preact/hooks';
import { send } from './api.js';
import { CampaignPreview, useSimulation } from './campaign-preview.js';
import { curlOf, Dialog, Opening, quote, ReasonField } from './dialog.js';
import { useKekNames, useSession } from './hooks-of-ours.js';
import { html } from './html.js';

const whoms = {
  olderThanDays: 'those whose key is in use for more days than',
  onKek: 'those with a key under a KEK',
  tenantIds: 'these, by their ids',
  all: 'every tenant with a key in use',
};
const orders = {
  smallest_first: 'the smallest first',
  largest_first: 'the largest first',
  oldest_key_first: 'the oldest key first',
};
const asGiven = { as_given: 'as they are given' };
/** From so many tenants on somebody types how many they are. */
const askedFrom = 11;

/** The button that starts a campaign, for whoever may. @param {{onDone: (data: any) => void}} props */
export function StartCampaign({ onDone }) {
  const { mayForAll } = useSession();
  if (!mayForAll.includes('startCampaign')) return null;
  return html`<${Opening} name="Start campaign">${(/** @type {() => void} */ close) =>
    html`<${StartDialog} onDone=${onDone} onClose=${close} />`}</${Opening}>`;
}

const begun = {
  action: 'rotate',
  kek: '',
  whom: 'olderThanDays',
  olderThanDays: '365',
  onKek: '',
  ids: '',
  order: 'smallest_first',
  canaries: '1',
  atOnceMax: '10',
  perHourMax: '',
  failuresMax: '5',
  callsPerSecondMax: '',
  reason: '',
};

const idsIn = (/** @type {string} */ text) => [
  ...new Set(
    text
      .toLowerCase()
      .split(/[\s,;]+/)
      .filter((id) => id !== ''),
  ),
];

/** What is asked for, as the API takes it. @param {typeof begun} fields @returns {any} */
function bodyOf(fields) {
  const { action, kek, whom, onKek, olderThanDays, ids, order, reason, callsPerSecondMax } = fields;
  const numbers = ['canaries', 'atOnceMax', 'perHourMax', 'failuresMax']
    .filter((name) => /** @type {any} */ (fields)[name] !== '')
    .map((name) => [name, Number(/** @type {any} */ (fields)[name])]);
  const chosen = {
    all: { all: true },
    onKek: { onKek },
    olderThanDays: { olderThanDays: Number.parseInt(olderThanDays, 10) }, // of nothing NaN, not 0
    tenantIds: { tenantIds: idsIn(ids) },
  };
  const calls = callsPerSecondMax === '' ? {} : { callsPerSecondMax: Number(callsPerSecondMax) };
  return {
    ...chosen[/** @type {keyof typeof chosen} */ (whom)],
    ...(action === 'rewrap' ? { action, kek, ...calls } : {}),
    order: order === 'as_given' && whom !== 'tenantIds' ? 'smallest_first' : order,
    ...Object.fromEntries(numbers),
    ...(reason === '' ? {} : { reason }),
  };
}

/** @param {any} body */
function cliOf({
  all,
  onKek,
  olderThanDays,
  tenantIds,
  kek,
  order,
  canaries,
  atOnceMax,
  perHourMax,
  failuresMax,
  reason,
}) {
  const given = [
    ['--all', all && ''],
    ['--on-kek', onKek],
    ['--older-than', olderThanDays],
    ['--tenants', tenantIds && 'FILE'],
    ['--rewrap-under', kek],
    ['--order', order],
    ['--canaries', canaries],
    ['--at-once', atOnceMax],
    ['--per-hour', perHourMax],
    ['--failures', failuresMax],
    ['--reason', reason && quote(reason)],
  ];
  return [
    'npx rekey campaign start',
    ...given.filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${value}`.trim()),
  ].join(' ');
}

function StartDialog({ onDone, onClose }) {
  const key = useRef(crypto.randomUUID());
  const [fields, setFields] = useState(begun);
  const [typed, setTyped] = useState('');
  const names = useKekNames();
  const body = bodyOf(fields);
  const simulation = useSimulation(body);
  const { found } = simulation;
  // What it would do has been shown before it can be started; for many, whoever starts it types how many.
  const retype = found === null || found.tenantsTotal < askedFrom ? null : String(found.tenantsTotal);
  const order = { method: 'POST', path: '/campaigns', headers: { 'idempotency-key': key.current } };
  const put = (/** @type {string} */ name) => (/** @type {any} */ event) =>
    setFields((was) => ({ ...was, [name]: event.target.value }));
  const text = (/** @type {string} */ name, /** @type {string} */ label, /** @type {object} */ more = {}) =>
    html`<label>${label} <input value=${/** @type {any} */ (fields)[name]} onInput=${put(name)} ...${more} /></label>`;
  const number = (/** @type {string} */ name, /** @type {string} */ label, /** @type {object} */ more) =>
    text(name, label, { type: 'number', inputmode: 'numeric', ...more });
  const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {object} */ options) =>
    html`<label>${label} <select value=${/** @type {any} */ (fields)[name]} onChange=${put(name)}>
      ${Object.entries(options).map(([value, told]) => html`<option value=${value}>${told}</option>`)}</select></label>`;
  const { action, whom } = fields;
  return html`<${Dialog} name="Start campaign" wide=${true} onDone=${onDone} onClose=${onClose} act=${() => send({ ...order, body })}
    ready=${found !== null && (retype === null || typed === retype)} fresh=${action === 'rewrap'}
    effect="Tenants are chosen once, when it begins. Canaries come first; then the others, so many at once, until too many do not end well. What it has started goes on, whatever becomes of it."
    cli=${cliOf(body)} curl=${curlOf(order, body)}>
    <fieldset class="policy-field"><legend>Whom, and what</legend>
      ${choice('whom', 'For', whoms)}
      ${whom === 'olderThanDays' && number('olderThanDays', 'Days', { min: 0, max: 100_000, required: true })}
      ${whom === 'onKek' && text('onKek', 'KEK, by its name', { required: true, list: 'kek-names', autocomplete: 'off' })}
      ${whom === 'tenantIds' && html`<label class="whole">Ids, one in a line <textarea rows="4" required spellcheck="false" value=${fields.ids} onInput=${put('ids')}></textarea></label>`}
      ${choice('action', 'What', { rotate: 'rotate: a new key for each', rewrap: 'rewrap: the same keys under another KEK' })}
      ${action === 'rewrap' && text('kek', 'Under the KEK, by its name', { required: true, list: 'kek-names', autocomplete: 'off' })}
      ${action === 'rewrap' && number('callsPerSecondMax', 'Calls of a KMS a second, each', { min: 1, max: 10_000, placeholder: '100' })}
      <datalist id="kek-names">${names.map((name) => html`<option value=${name}></option>`)}</datalist>
    </fieldset>
    <fieldset class="policy-field"><legend>Within which bounds</legend>
      ${choice('order', 'Order', whom === 'tenantIds' ? { ...orders, ...asGiven } : orders)}
      ${number('canaries', 'Canaries', { min: 0, max: 1_000, required: true })}
      ${number('atOnceMax', 'At once', { min: 1, max: 1_000, required: true })}
      ${number('perHourMax', 'Within an hour', { min: 1, max: 1_000_000, placeholder: 'no limit' })}
      ${number('failuresMax', 'Stop after so many that did not end well', { min: 1, max: 10_000, required: true })}
    </fieldset>
    <${CampaignPreview} simulation=${simulation} />
    <${ReasonField} value=${fields.reason} onInput=${(/** @type {string} */ reason) => setFields((was) => ({ ...was, reason }))} />
    ${
      retype !== null &&
      html`<label><span>Type <code>${retype}</code> to confirm for how many it is</span> <input type="text" autocomplete="off" value=${typed}
      onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} /></label>`
    }
  </${Dialog}>`;
}
