import { useEffect, useRef, useState } from 'preact/hooks';
import { send } from './api.js';
import { useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Copyable, Trouble } from './parts.js';
import { Planning } from './plan.js';

/**
 * What somebody can do. @typedef {{operationId: string, name: string, effect: string, method: string, path: string, cli: string,
 *   danger?: boolean, body?: object, headers?: Record<string, string>, retype?: string, rate?: boolean, plan?: string}} Action
 * `plan`: of which tenant it can be planned before.
 */

/** What begins something: repeated under its key, it does not begin it twice. */
const begins = ['rotateDek', 'compromiseKey', 'retryRotation'];
const loginFreshMs = 5 * 60_000;

const quote = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same call by curl. @param {Action} action @param {object | undefined} body */
function curlOf({ method, path, headers = {} }, body) {
  const lines = [
    `curl -X ${method} "$REKEY_URL/api/v1/admin${path}"`,
    `-H "Authorization: Bearer $REKEY_TOKEN"`,
    ...Object.entries(headers)
      .filter(([name]) => name !== 'idempotency-key')
      .map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d ${quote(JSON.stringify(body))}`]),
  ];
  return lines.join(' \\\n  ');
}

/** A button, if the role may; behind it first what it will do. @param {{action: Action, onDone: (data: any) => void}} props */
export function ActionButton({ action, onDone }) {
  const { may } = useSession();
  const [open, setOpen] = useState(false);
  if (!may.includes(action.operationId)) return null;
  return html`<button type="button" class=${action.danger ? 'danger' : ''} onClick=${() => setOpen(true)}>${action.name}…</button>
    ${open && html`<${ActionDialog} action=${action} onDone=${onDone} onClose=${() => setOpen(false)} />`}`;
}

function ActionDialog({ action, onDone, onClose }) {
  const { needsFreshLogin, loggedInAt } = useSession();
  const dialog = useRef(/** @type {any} */ (null));
  const key = useRef(crypto.randomUUID());
  const [reason, setReason] = useState('');
  const [rate, setRate] = useState('');
  const [typed, setTyped] = useState('');
  const [planId, setPlanId] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  useEffect(() => dialog.current?.showModal(), []);

  const fields = {
    ...action.body,
    ...(action.rate ? { itemsPerSecondMax: rate === '' ? null : Number(rate) } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(planId === null ? {} : { planId }),
  };
  const body = Object.keys(fields).length === 0 ? undefined : fields;
  const cli = `${action.cli}${action.rate ? ` ${rate === '' ? 'none' : rate}` : ''}${reason === '' ? '' : ` --reason ${quote(reason)}`}`;
  const ready = !busy && (action.retype === undefined || typed === action.retype);

  const act = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    try {
      const headers = begins.includes(action.operationId) ? { 'idempotency-key': key.current } : {};
      const data = await send({
        method: action.method,
        path: action.path,
        body,
        headers: { ...action.headers, ...headers },
      });
      dialog.current?.close();
      onDone(data);
    } catch (caught) {
      // The page behind it cannot say so while this is open.
      if (/** @type {any} */ (caught).status === 401) dispatchEvent(new Event('signed-out'));
      setProblem(caught);
      setBusy(false);
    }
  };
  const needsFresh = needsFreshLogin.includes(action.operationId);
  const isOld = loggedInAt === null || Date.now() - Date.parse(loggedInAt) > loginFreshMs;
  const again = html`<a href=${`/console/sign-in?fresh=1&returnTo=${encodeURIComponent(location.pathname + location.search)}`}>Sign in again</a>`;
  return html`<dialog ref=${dialog} onClose=${onClose} aria-labelledby="action-name">
    <form onSubmit=${act}>
      <h2 id="action-name">${action.name}</h2>
      <p>${action.effect}</p>
      ${needsFresh && html`<p class="note">Needs a log-in at most five minutes old.${isOld && html` Yours is older: ${again} first.`}</p>`}
      ${
        action.rate &&
        html`<label>Records per second, over all workers <input type="number" min="1" inputmode="numeric" value=${rate}
        placeholder="no limit" onInput=${(/** @type {any} */ event) => setRate(event.target.value)} /></label>`
      }
      <label>Reason, kept with the event <input type="text" maxlength="500" value=${reason} placeholder="optional"
        onInput=${(/** @type {any} */ event) => setReason(event.target.value)} /></label>
      ${
        action.retype !== undefined &&
        html`<label>Type <code>${action.retype}</code> to confirm <input type="text" autocomplete="off"
        value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} /></label>`
      }
      ${action.plan !== undefined && html`<${Planning} tenantId=${action.plan} onPlan=${setPlanId} />`}
      <${Trouble} problem=${problem} />
      ${problem?.code === 'LOGIN_TOO_OLD' && !isOld && html`<p>${again}</p>`}
      <div class="dialog-actions">
        <button type="button" class="quiet" onClick=${() => dialog.current?.close()}>Leave it</button>
        <button type="submit" class=${action.danger ? 'danger solid' : 'solid'} disabled=${!ready}>${action.name}</button>
      </div>
      <details><summary>The same from a terminal</summary>
        <${Copyable} name="command line" text=${cli} />
        <${Copyable} name="curl" text=${curlOf(action, body)} />
      </details>
    </form>
  </dialog>`;
}
