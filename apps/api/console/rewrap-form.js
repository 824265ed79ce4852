import { useRef, useState } from 'preact/hooks';
import { send } from './api.js';
import { curlOf, Dialog, Opening, quote, ReasonField } from './dialog.js';
import { count, counted } from './format.js';
import { useAnswerTo, useKekNames, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Facts, Table, Trouble } from './parts.js';

/** The button that starts a rewrap, for whoever may. @param {{onDone: (data: any) => void}} props */
export function StartRewrap({ onDone }) {
  const { may } = useSession();
  if (!may.includes('startRewrap')) return null;
  return html`<${Opening} name="Start rewrap">${(/** @type {() => void} */ close) =>
    html`<${StartDialog} onDone=${onDone} onClose=${close} />`}</${Opening}>`;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function StartDialog({ onDone, onClose }) {
  const { caller, may, mayForAll } = useSession();
  const forAll = mayForAll.includes('startRewrap');
  const key = useRef(crypto.randomUUID());
  const [all, setAll] = useState(forAll);
  const [tenantId, setTenantId] = useState(forAll ? '' : (caller.tenantId ?? ''));
  const [kek, setKek] = useState('');
  const [calls, setCalls] = useState('');
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const names = useKekNames();
  const scope = all ? { all: true } : { tenantId };
  const body = {
    ...scope,
    kek,
    ...(calls === '' ? {} : { callsPerSecondMax: Number(calls) }),
    ...(reason === '' ? {} : { reason }),
  };
  const order = { method: 'POST', path: '/kek/rewrap', headers: { 'idempotency-key': key.current } };
  const input = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) =>
    set(event.target.value.trim());
  const told = `${calls === '' ? '' : ` --calls ${calls}`}${reason === '' ? '' : ` --reason ${quote(reason)}`}`;
  const isWhole = kek !== '' && (all || uuid.test(tenantId));
  const plan = useAnswerTo(
    '/kek/rewrap/plan',
    isWhole && may.includes('planRewrap') ? { ...scope, kek } : null,
  );
  return html`<${Dialog} name="Start rewrap" wide=${true} fresh=${true} onDone=${onDone} onClose=${onClose} act=${() => send({ ...order, body })}
    on=${JSON.stringify(plan.found)} ready=${isWhole && (!all || typed === kek)}
    effect="Brings keys under another KEK: the same keys, no record is touched, and applications go on. Until it has ended both KEKs are needed."
    cli=${`npx rekey rewrap start ${all ? '--all' : `--tenant ${tenantId}`} --kek ${kek}${told} --watch`} curl=${curlOf(order, body)}>
    <fieldset class="policy-field"><legend>Whose keys, and where to</legend>
      <label>Keys of <select value=${all ? 'all' : 'one'} disabled=${!forAll} onChange=${(/** @type {any} */ event) => setAll(event.target.value === 'all')}>
        ${forAll && html`<option value="all">all tenants</option>`}<option value="one">one tenant</option></select></label>
      ${!all && html`<label>Tenant <input type="text" required autocomplete="off" placeholder="id" value=${tenantId} onInput=${input(setTenantId)} /></label>`}
      <label>Under the KEK, by its name <input type="text" required list="kek-names" autocomplete="off" value=${kek} onInput=${input(setKek)} /></label>
      <label>Calls of KMSs a second <input type="number" min="1" max="10000" inputmode="numeric" placeholder="100" value=${calls} onInput=${input(setCalls)} /></label>
      <datalist id="kek-names">${names.map((name) => html`<option value=${name}></option>`)}</datalist>
    </fieldset>
    <${RewrapPlan} found=${plan.found} problem=${plan.problem} />
    <${ReasonField} value=${reason} onInput=${setReason} />
    ${
      all &&
      kek !== '' &&
      html`<label><span>Type <code>${kek}</code> to confirm that all tenants’ keys go there</span> <input type="text" autocomplete="off" value=${typed}
      onInput=${input(setTyped)} /></label>`
    }
  </${Dialog}>`;
}

/** What it would do, and who is in the way just now. @param {{found: any, problem: any}} props */
function RewrapPlan({ found: plan, problem }) {
  return html`<div aria-live="polite">
    <${Trouble} problem=${problem} />
    ${
      plan !== null &&
      html`<${Facts} facts=${[
        ['Keys to rewrap', count(plan.keysToRewrap)],
        ['Calls of KMSs', count(plan.kmsCalls)],
        [
          'Not ready for that KEK',
          plan.lacking.length === 0 ? 'nobody' : counted(plan.lacking.length, 'process', 'processes'),
        ],
      ]} />
    ${
      plan.lacking.length > 0 &&
      html`<p class="waits">It is refused while these have not wrapped and unwrapped with that KEK:</p>
      <${Table} caption="Processes that have not proved that KEK" empty="" columns=${[{ name: 'Process' }, { name: 'Host' }, { name: 'Role' }]}
        rows=${plan.lacking.map(({ kind, host, databaseRole }) => [kind, host, databaseRole])} />`
    }`
    }
  </div>`;
}
