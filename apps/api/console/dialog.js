import { Fragment } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Copyable, Trouble } from './parts.js';

const loginFreshMs = 5 * 60_000;

/** A word for a shell. @param {string} text */
export const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The same call by curl.
 * @param {{method: string, path: string, headers?: Record<string, string>}} call @param {object | undefined} body
 */
export function curlOf({ method, path, headers = {} }, body) {
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

/**
 * What somebody is about to do: first what it will do, then whatever it needs, and the same from a terminal. It closes when that is
 * done, and tells what keeps it from being done while it stays open. `act` does it. `fresh`: it needs a log-in at most five minutes old.
 * `on`: with another the refusal of before says nothing any more. `gone`: why it can no longer be done.
 * @param {{name: string, effect: unknown, fresh: boolean, danger?: boolean, wide?: boolean, ready: boolean, cli: string | null,
 *   curl: string, act: () => Promise<unknown>, onDone: (data: any) => void, onClose: () => void,
 *   onProblem?: (problem: any) => unknown, on?: unknown, gone?: unknown, children?: unknown}} props
 */
export function Dialog(props) {
  const { name, effect, fresh, danger, wide, cli, curl, act, onDone, onClose, onProblem, on, children } =
    props;
  const { gone = null } = props;
  const ready = props.ready && gone === null;
  const { loggedInAt } = useSession();
  const dialog = useRef(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => setProblem(null), [on]);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy || !ready) return;
    setBusy(true);
    try {
      const data = await act();
      dialog.current?.close();
      onDone(data);
    } catch (caught) {
      // The page behind it cannot say so while this is open.
      if (/** @type {any} */ (caught).status === 401) dispatchEvent(new Event('signed-out'));
      // What a dialog tells in words of its own is not told twice.
      setProblem(onProblem?.(caught) === true ? null : caught);
      setBusy(false);
    }
  };
  const isOld = loggedInAt === null || Date.now() - Date.parse(loggedInAt) > loginFreshMs;
  const again = html`<a href=${`/console/sign-in?fresh=1&returnTo=${encodeURIComponent(location.pathname + location.search)}`}>Sign in again</a>`;
  return html`<dialog ref=${dialog} class=${wide ? 'wide' : ''} onClose=${onClose} aria-labelledby="action-name">
    <form onSubmit=${submit}>
      <h2 id="action-name">${name}</h2>
      <p>${effect}</p>
      ${fresh && html`<p class="note">Needs a log-in at most five minutes old.${isOld && html` Yours is older: ${again} first.`}</p>`}
      ${children}
      ${gone !== null && !busy && html`<p class="trouble" role="alert">${gone}</p>`}
      <${Trouble} problem=${problem} />
      ${problem?.code === 'LOGIN_TOO_OLD' && !(fresh && isOld) && html`<p>${again}</p>`}
      <div class="dialog-actions">
        <button type="button" class="quiet" onClick=${() => dialog.current?.close()}>Leave it</button>
        <button type="submit" class=${danger ? 'danger solid' : 'solid'} disabled=${busy || !ready}>${name}</button>
      </div>
      <details><summary>The same from a terminal</summary>
        ${cli !== null && html`<${Copyable} name="command line" text=${cli} />`}
        <${Copyable} name="curl" text=${curl} />
      </details>
    </form>
  </dialog>`;
}

/** Why it is done. @param {{value: string, onInput: (text: string) => void}} props */
export const ReasonField = ({ value, onInput }) =>
  html`<label>Reason, kept with the event <input type="text" maxlength="500" value=${value} placeholder="optional"
    onInput=${(/** @type {any} */ event) => onInput(event.target.value)} /></label>`;

/**
 * A button that opens a dialog. `offered` false: a dialog that is open stays, and there is no button. `onOpen` hears whether it is.
 * @param {{name: string, danger?: boolean, offered?: boolean, onOpen?: (isOpen: boolean) => void, children: (close: () => void) => unknown}} props
 */
export function Opening({ name, danger = false, offered = true, onOpen = () => {}, children }) {
  // Which time it is open; 0: it is not. A dialog tells that it was closed a moment after: by then it may be open again.
  const [open, setOpen] = useState(0);
  const times = useRef(0);
  const close = () => {
    if (times.current === open) onOpen(false);
    setOpen((now) => (now === open ? 0 : now));
  };
  const begin = () => {
    times.current += 1;
    setOpen(times.current);
    onOpen(true);
  };
  return html`${offered && html`<button type="button" class=${danger ? 'danger' : ''} onClick=${begin}>${name}…</button>`}
    ${open > 0 && html`<${Fragment} key=${open}>${children(close)}</${Fragment}>`}`;
}
