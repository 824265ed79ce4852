import { useEffect, useRef, useState } from 'preact/hooks';
import { read, send } from './api.js';
import { bytes, count, duration, total, words } from './format.js';
import { useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Facts, Table, Trouble } from './parts.js';

const lookEveryMs = 1_000;
const checks = { none: 'none', sample: 'a thousand by chance', all: 'all' };

const between = (/** @type {any} */ { low, high }, /** @type {(value: number) => string} */ told) =>
  told(low) === told(high) ? told(low) : `${told(low)} to ${told(high)}`;
const restsOn = (/** @type {any} */ { by }) =>
  by === 'measured' ? ', as measured here' : ', assumed: none of its size has ended here';

/** @param {any} opened */
function opening(opened) {
  if (opened === null) return 'not looked at';
  const not = Object.entries(opened.notOpening);
  const found =
    not.length === 0 ? 'all do' : not.map(([reason, n]) => `${count(n)} ${words(reason)}`).join(', ');
  return `${found} of ${count(opened.records)}; of all records ${count(opened.recordsNotOpeningMax)} at most will not`;
}

/** What a rotation would take, before it is started. @param {{tenantId: string, onPlan: (planId: string) => void}} props */
export function Planning({ tenantId, onPlan }) {
  const { may } = useSession();
  const [check, setCheck] = useState('none');
  const [plan, setPlan] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const over = useRef(false);
  useEffect(
    () => () => {
      over.current = true;
      clearTimeout(timer.current);
    },
    [],
  );
  if (!may.includes('planRotation') || !may.includes('getPlan')) return null;

  const look = async (/** @type {string} */ planId) => {
    try {
      const found = await read(`/dek/plans/${planId}`);
      if (over.current) return;
      setPlan(found);
      if (found.status === 'completed') onPlan(planId);
      if (found.status === 'in_progress') timer.current = setTimeout(() => void look(planId), lookEveryMs);
    } catch (caught) {
      setProblem(caught);
    }
  };
  const begin = async () => {
    setProblem(null);
    try {
      const headers = { 'x-tenantid': tenantId };
      const body = { tenantId, check };
      const begun = await send({ method: 'POST', path: '/dek/rotate/plan', body, headers });
      setPlan(begun);
      await look(begun.planId);
    } catch (caught) {
      const { planId = null } = /** @type {any} */ (caught);
      // Somebody else's, of this tenant: it is as good.
      if (planId === null) setProblem(caught);
      else await look(planId);
    }
  };
  const isRunning = plan?.status === 'in_progress';
  return html`<fieldset class="plan">
    <legend>Plan</legend>
    <p class="note">What it would take; nothing is started by it.</p>
    <div class="plan-ask">
      <label>Records to open <select value=${check} disabled=${isRunning} onChange=${(/** @type {any} */ event) => setCheck(event.target.value)}>
        ${Object.entries(checks).map(([value, name]) => html`<option value=${value}>${name}</option>`)}</select></label>
      <button type="button" disabled=${isRunning} onClick=${begin}>${plan === null ? 'Plan it' : 'Plan it again'}</button>
    </div>
    <${Trouble} problem=${problem} />
    <div aria-live="polite">${
      plan !== null &&
      html`${isRunning && html`<p>A worker reads: ${count(plan.recordsSized)} of ${count(total(plan.itemsToRotate))} records.${plan.waitingDetail !== null && html` It waits: ${plan.waitingDetail.what}; ${plan.waitingDetail.todo}.`}</p>`}
      ${plan.status === 'failed' && html`<p>It could not be made: ${plan.waitingDetail?.what ?? 'not within a day'}.</p>`}
      ${
        plan.estimate !== null &&
        html`<${Facts} facts=${[
          ['Records', `${count(total(plan.itemsToRotate))} in ${count(plan.rangesToSweep)} ranges`],
          ['Ciphertexts', plan.bytes === null ? null : bytes(plan.bytes)],
          [
            'Takes',
            `${between(plan.estimate.seconds, (s) => duration(s * 1_000))}${restsOn(plan.estimate.seconds)}`,
          ],
          ['WAL', `${between(plan.estimate.walBytes, bytes)}${restsOn(plan.estimate.walBytes)}`],
          ['KMS calls', between(plan.estimate.kmsCalls, count)],
          ['Before it', `${count(plan.queue.running)} running, ${count(plan.queue.waiting)} waiting`],
          ['Will open', opening(plan.openedRecords)],
        ]} />`
      }`
    }</div>
  </fieldset>`;
}

/** What was planned, and what it took. `actual`: null while it runs. @param {{plan: any, actual: any}} props */
export function Planned({ plan, actual }) {
  const took = (
    /** @type {number | null | undefined} */ value,
    /** @type {(value: number) => string} */ told,
  ) => (value === null || value === undefined ? '–' : told(value));
  return html`<${Table} caption="What was planned, and what it took" empty="" columns=${[{ name: 'What' }, { name: 'Planned', number: true }, { name: 'It took', number: true }]}
    rows=${[
      ['Records', count(total(plan.itemsToRotate)), took(actual && total(actual.itemsToRotate), count)],
      [
        'Time',
        between(plan.seconds, (s) => duration(s * 1_000)),
        took(actual?.seconds, (s) => duration(s * 1_000)),
      ],
      ['WAL', between(plan.walBytes, bytes), took(actual?.walBytes, bytes)],
      ['KMS calls', between(plan.kmsCalls, count), took(actual?.kmsCalls, count)],
    ]} />`;
}
