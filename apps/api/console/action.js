import { useRef, useState } from 'preact/hooks';
import { send } from './api.js';
import { curlOf, Dialog, Opening, quote, ReasonField } from './dialog.js';
import { useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Planning } from './plan.js';

/**
 * What somebody can do. @typedef {{operationId: string, name: string, effect: string, method: string, path: string, cli: string,
 *   danger?: boolean, body?: object, headers?: Record<string, string>, retype?: string, rate?: boolean, plan?: string,
 *   forAll?: boolean, cliReason?: boolean}} Action
 * `plan`: of which tenant it can be planned before. `forAll`: it concerns the installation. `cliReason`: the command takes a reason.
 */

/** What begins something: repeated under its key, it does not begin it twice. */
const begins = ['rotateDek', 'compromiseKey', 'retryRotation'];

const idOf = (/** @type {Action} */ { operationId, path }) => `${operationId} ${path}`;

/**
 * What can be done with something as it stands, and the dialog that somebody has open, whatever becomes of it meanwhile: that then
 * says why it can no longer be done. `onOpen` hears whether one is open.
 * @param {{of: Action[], gone: unknown, onDone: (data: any) => void, onOpen?: (isOpen: boolean) => void}} props
 */
export function Actions({ of, gone, onDone, onOpen = () => {} }) {
  const [open, setOpen] = useState(/** @type {Action | null} */ (null));
  const isOffered = open === null || of.some((action) => idOf(action) === idOf(open));
  const all = isOffered ? of : [...of, open];
  return html`${all.map(
    (action) => html`<${ActionButton} key=${idOf(action)} action=${action} onDone=${onDone}
    gone=${of.includes(action) ? null : gone} onOpen=${(/** @type {boolean} */ isOpen) => {
      setOpen(isOpen ? action : null);
      onOpen(isOpen);
    }} />`,
  )}`;
}

/**
 * A button, if the role may; behind it first what it will do.
 * @param {{action: Action, onDone: (data: any) => void, gone?: unknown, onOpen?: (isOpen: boolean) => void}} props
 */
export function ActionButton({ action, onDone, gone = null, onOpen = () => {} }) {
  const { may, mayForAll } = useSession();
  if (!(action.forAll ? mayForAll : may).includes(action.operationId)) return null;
  return html`<${Opening} name=${action.name} danger=${action.danger} offered=${gone === null} onOpen=${onOpen}>${(
    /** @type {() => void} */ close,
  ) =>
    html`<${ActionDialog} action=${action} gone=${gone} onDone=${onDone} onClose=${close} />`}</${Opening}>`;
}

function ActionDialog({ action, gone, onDone, onClose }) {
  const { needsFreshLogin } = useSession();
  const key = useRef(crypto.randomUUID());
  const [reason, setReason] = useState('');
  const [rate, setRate] = useState('');
  const [typed, setTyped] = useState('');
  const [planId, setPlanId] = useState(/** @type {string | null} */ (null));

  const fields = {
    ...action.body,
    ...(action.rate ? { itemsPerSecondMax: rate === '' ? null : Number(rate) } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(planId === null ? {} : { planId }),
  };
  const body = Object.keys(fields).length === 0 ? undefined : fields;
  const told = reason === '' || action.cliReason === false ? '' : ` --reason ${quote(reason)}`;
  const act = () => {
    const headers = begins.includes(action.operationId) ? { 'idempotency-key': key.current } : {};
    return send({
      method: action.method,
      path: action.path,
      body,
      headers: { ...action.headers, ...headers },
    });
  };
  return html`<${Dialog} name=${action.name} effect=${action.effect} danger=${action.danger} gone=${gone} act=${act} onDone=${onDone} onClose=${onClose}
    fresh=${needsFreshLogin.includes(action.operationId)} ready=${action.retype === undefined || typed === action.retype}
    cli=${`${action.cli}${action.rate ? ` ${rate === '' ? 'none' : rate}` : ''}${told}`} curl=${curlOf(action, body)}>
    ${
      action.rate &&
      html`<label>Records per second, over all workers <input type="number" min="1" inputmode="numeric" value=${rate}
      placeholder="no limit" onInput=${(/** @type {any} */ event) => setRate(event.target.value)} /></label>`
    }
    <${ReasonField} value=${reason} onInput=${setReason} />
    ${
      action.retype !== undefined &&
      html`<label><span>Type <code>${action.retype}</code> to confirm</span> <input type="text" autocomplete="off"
      value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} /></label>`
    }
    ${action.plan !== undefined && html`<${Planning} tenantId=${action.plan} onPlan=${setPlanId} />`}
  </${Dialog}>`;
}
