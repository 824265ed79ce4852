import { useState } from 'preact/hooks';
import { read, send } from './api.js';
import { curlOf, Dialog, Opening, quote, ReasonField } from './dialog.js';
import { useKekNames, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { changesBetween, fieldsOf, policyOf, rebased } from './policy-draft.js';
import { DefaultOnly, KekField, NumberField } from './policy-fields.js';
import { nameOf } from './policy-words.js';
import { WindowsField } from './windows-field.js';

/** The button that changes a policy, for whoever may. @param {{tenantId: string | null, path: string, data: any, onDone: () => void}} props `tenantId` null: the default */
export function PolicyButton({ tenantId, path, data, onDone }) {
  const { may, mayForAll } = useSession();
  const isOffered =
    tenantId === null ? mayForAll.includes('putDefaultPolicy') : may.includes('putTenantPolicy');
  if (!isOffered) return null;
  return html`<${Opening} name="Change policy">${(/** @type {() => void} */ close) =>
    html`<${PolicyDialog} tenantId=${tenantId} path=${path} data=${data} onDone=${onDone} onClose=${close} />`}</${Opening}>`;
}

const ofTenant =
  'It takes the place of what this tenant’s policy says, and holds from now on. A rotation that has begun keeps what it began by.';
const ofDefault =
  'It takes the place of the default, which holds for every tenant that does not say otherwise, and bounds what they may say. A rotation that has begun keeps what it began by.';

function PolicyDialog({ tenantId, path, data, onDone, onClose }) {
  const isTenants = tenantId !== null;
  // What the change rests on: as it was when the dialog opened, or as somebody else has left it since.
  const [base, setBase] = useState(data);
  const [fields, setFields] = useState(() => fieldsOf(data.policy, isTenants));
  const [reason, setReason] = useState('');
  const [meanwhile, setMeanwhile] = useState(/** @type {any} */ (null));
  const keks = useKekNames();
  const body = { ...policyOf(fields, base.policy, isTenants), ...(reason === '' ? {} : { reason }) };
  const order = { method: 'PUT', path, headers: { 'if-match': `"${base.version}"` } };
  const set = (/** @type {string} */ name, /** @type {object} */ part) =>
    setFields((/** @type {any} */ was) => ({ ...was, [name]: { ...was[name], ...part } }));

  const act = async () => {
    setMeanwhile(null);
    return send({ ...order, body });
  };
  const onProblem = (/** @type {any} */ problem) => {
    if (problem.code !== 'PRECONDITION_FAILED') return false;
    void read(path).then((now) => {
      setMeanwhile({
        version: now.version,
        changes: changesBetween(base.policy, now.policy, isTenants),
      });
      setFields((/** @type {any} */ mine) => rebased(mine, base.policy, now.policy, isTenants));
      setBase(now);
    }, setMeanwhile);
    return true;
  };
  const about = (/** @type {string} */ name) => ({ name, field: fields[name], set, base, tenantId });
  const told = reason === '' ? '' : ` --reason ${quote(reason)}`;
  return html`<${Dialog} name="Change policy" wide=${true} ready=${true} fresh=${true} act=${act} onDone=${onDone} onClose=${onClose}
    effect=${isTenants ? ofTenant : ofDefault} onProblem=${onProblem}
    cli=${`npx rekey policy set FILE ${isTenants ? `--tenant ${tenantId}` : '--default'}${told}`} curl=${curlOf(order, body)}>
    <${NumberField} ...${about('rotateEveryDays')} />
    <${NumberField} ...${about('rotateBeforeSeals')} />
    <${NumberField} ...${about('rewrapEveryDays')} />
    <${NumberField} ...${about('retireAfterDays')} />
    <${NumberField} ...${about('destroyAfterDays')} />
    <${WindowsField} ...${about('windows')} />
    <${KekField} ...${about('kek')} names=${keks} />
    ${!isTenants && html`<${DefaultOnly} fields=${fields} set=${set} />`}
    <${ReasonField} value=${reason} onInput=${setReason} />
    ${meanwhile !== null && html`<${Meanwhile} ...${meanwhile} />`}
  </${Dialog}>`;
}

/** Somebody else was faster: what they changed, in words; or why that cannot be said. */
function Meanwhile({ version, changes, message }) {
  if (version === undefined)
    return html`<p class="trouble" role="alert">Somebody else has changed it; nothing of yours was stored. ${message}</p>`;
  return html`<div class="trouble" role="alert"><p><b>Somebody else has put version ${version} since you opened this; nothing of yours was stored.</b></p>
    ${changes.length === 0 ? html`<p>It says the same as before.</p>` : html`<ul>${changes.map(({ name, was, now }) => html`<li>${nameOf(name)}: was ${was}, is now ${now}.</li>`)}</ul>`}
    <p>The fields above show it, with what you had changed on top of it. Look at them, and send them again.</p></div>`;
}
