import { html } from './html.js';
import { ModeField } from './policy-fields.js';
import { days } from './policy-words.js';

const windowsMax = 20;
const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const begun = () => ({ days: ['sat', 'sun'], from: '22:00', to: '04:00', timeZone: ownZone });

/** The hours in which a policy acts: at any time, or within windows, each with its days, times and time zone. */
export function WindowsField({ name, field, set, base, tenantId }) {
  const change = (/** @type {any[]} */ windows) => set(name, { value: windows });
  const edit = (/** @type {number} */ at, /** @type {object} */ part) =>
    change(field.value.map((one, n) => (n === at ? { ...one, ...part } : one)));
  const toggled = (/** @type {any} */ window, /** @type {string} */ day) =>
    days.map(([one]) => one).filter((one) => (one === day) !== window.days.includes(one));
  const setMode = (/** @type {string} */ of, /** @type {any} */ part) =>
    set(of, part.mode === 'own' && field.value.length === 0 ? { ...part, value: [begun()] } : part);
  return html`<fieldset class="policy-field"><legend class="unseen">Hours</legend>
    <${ModeField} ...${{ name, field, base, tenantId }} set=${setMode} never="at any time" own="within these" />
    ${
      field.mode === 'own' &&
      html`<ol class="windows">${field.value.map((window, at) => {
        const text = (/** @type {string} */ part, /** @type {string} */ label, /** @type {object} */ more) =>
          html`<label>${label} <input required value=${window[part]} ...${more}
            onInput=${(/** @type {any} */ event) => edit(at, { [part]: event.target.value })} /></label>`;
        return html`<li><fieldset><legend>Window ${at + 1}</legend>
          <div class="days">${days.map(
            ([day, told]) =>
              html`<label class="check"><input type="checkbox" checked=${window.days.includes(day)}
                onChange=${() => edit(at, { days: toggled(window, day) })} /> ${told}</label>`,
          )}</div>
          <div class="times">${text('from', 'From', { type: 'time' })}${text('to', 'To', { type: 'time' })}
            ${text('timeZone', 'Time zone', { type: 'text', list: 'time-zones', maxlength: 64 })}
            <button type="button" class="quiet" aria-label=${`Remove window ${at + 1}`}
              onClick=${() => change(field.value.filter((_, n) => n !== at))}>Remove</button></div>
        </fieldset></li>`;
      })}</ol>
      <datalist id="time-zones">${Intl.supportedValuesOf('timeZone').map((zone) => html`<option value=${zone}></option>`)}</datalist>
      <p class="hint">An end at or before its beginning is of the next day. Outside of these nothing is begun, and a sweep stands still.</p>
      <div><button type="button" disabled=${field.value.length >= windowsMax} onClick=${() => change([...field.value, begun()])}>One more window</button></div>`
    }
  </fieldset>`;
}
