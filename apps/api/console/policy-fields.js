import { count } from './format.js';
import { html } from './html.js';
import { nameOf, says } from './policy-words.js';

/** Whether a field is the default's, says never, or says something of its own. */
export function ModeField({ name, field, set, base, tenantId, never, own, canNever = true }) {
  return html`<label>${nameOf(name)} <select value=${field.mode} onChange=${(/** @type {any} */ event) => set(name, { mode: event.target.value })}>
    ${tenantId !== null && html`<option value="default">as the default: ${says(name, base.byDefault[name])}</option>`}
    ${(canNever || field.mode === 'never') && html`<option value="never">${never}</option>`}
    <option value="own">${own}</option></select></label>`;
}

const owns = {
  rotateEveryDays: ['every so many days', 'days', 3_650],
  rotateBeforeSeals: ['before so many seals', 'seals', 4_294_967_296],
  rewrapEveryDays: ['every so many days', 'days', 3_650],
  retireAfterDays: ['so many days after a key went out of use', 'days', 3_650],
  destroyAfterDays: ['so many days after a key went out of use', 'days', 3_650],
};

/** A number, or never, within the bounds that the default sets and that are told beside it. */
export function NumberField({ name, field, set, base, tenantId }) {
  const [own, unit, most] = /** @type {any} */ (owns)[name];
  const { min, max, canNever, hint } = boundsOf(name, base, tenantId);
  return html`<fieldset class="policy-field"><legend class="unseen">${nameOf(name)}</legend>
    <${ModeField} ...${{ name, field, set, base, tenantId, own, canNever }} never="never" />
    ${
      field.mode === 'own' &&
      html`<label>${nameOf(name)}, ${unit} <input type="number" required min=${min ?? 1} max=${max ?? most} inputmode="numeric"
      value=${field.value} onInput=${(/** @type {any} */ event) => set(name, { value: event.target.value })} /></label>`
    }
    ${hint !== null && html`<p class="hint">${hint}</p>`}
  </fieldset>`;
}

/** @param {string} name @param {any} base @param {string | null} tenantId */
function boundsOf(name, base, tenantId) {
  if (name === 'destroyAfterDays') return keptAtLeast(base, tenantId);
  const unit = name === 'rotateBeforeSeals' ? 'seals' : 'days';
  const [min, max] = tenantId === null ? [] : [base.bounds[`${name}Min`], base.bounds[`${name}Max`]];
  const parts = [
    ...(min === undefined ? [] : [`at least ${count(min)} ${unit}`]),
    ...(max === undefined ? [] : [`at most ${count(max)} ${unit}, so not never`]),
  ];
  const hint = parts.length === 0 ? null : `The default bounds it: ${parts.join(', ')}.`;
  return { min, max, canNever: max === undefined, hint };
}

/** How long keys are kept is only ever lengthened. @param {any} base @param {string | null} tenantId */
function keptAtLeast(base, tenantId) {
  const told = tenantId === null ? base.policy.destroyAfterDays : base.byDefault.destroyAfterDays;
  // A default that has said nothing yet binds nobody.
  if (told === undefined) return { canNever: true, hint: 'Once it is said, it can only be lengthened.' };
  const whose = tenantId === null ? 'what stands' : 'the default';
  const hint =
    told === null
      ? `Keys are kept at least as long as by ${whose}, which is for ever.`
      : `At least ${told} days: keys are kept at least as long as by ${whose}.`;
  return { min: told ?? undefined, canNever: true, hint };
}

export function KekField({ name, field, set, base, tenantId, names }) {
  return html`<fieldset class="policy-field"><legend class="unseen">${nameOf(name)}</legend>
    <${ModeField} ...${{ name, field, set, base, tenantId }} never="the one that wraps the tenant’s" own="this one" />
    ${
      field.mode === 'own' &&
      html`<label>KEK, by its name <input type="text" required list="kek-names" autocomplete="off" value=${field.value}
      onInput=${(/** @type {any} */ event) => set(name, { value: event.target.value })} /></label>
    <datalist id="kek-names">${names.map((one) => html`<option value=${one}></option>`)}</datalist>`
    }</fieldset>`;
}

const more = {
  rotateEveryDaysMin: ['Tenants rotate at most every so many days', 3_650, 'no bound'],
  rotateEveryDaysMax: ['Tenants rotate at least every so many days', 3_650, 'no bound'],
  rotateBeforeSealsMax: ['Tenants rotate at least before so many seals', 4_294_967_296, 'no bound'],
  rewrapEveryDaysMin: ['Tenants rewrap at most every so many days', 3_650, 'no bound'],
  rewrapEveryDaysMax: ['Tenants rewrap at least every so many days', 3_650, 'no bound'],
  retireAfterDaysMax: ['Tenants have what is left swept after so many days at most', 3_650, 'no bound'],
  rotationsAtOnce: ['Rotations by policies at once', 1_000, '4'],
};

/** What only the default says: bounds for the others, and how many rotations run at once. */
export const DefaultOnly = ({ fields, set }) =>
  html`<fieldset class="policy-field"><legend>For all tenants</legend>
    ${Object.entries(more).map(
      ([name, [title, max, empty]]) =>
        html`<label>${title} <input type="number" min="1" max=${max} inputmode="numeric" placeholder=${empty}
      value=${fields[name].value} onInput=${(/** @type {any} */ event) => set(name, { value: event.target.value })} /></label>`,
    )}
  </fieldset>`;
