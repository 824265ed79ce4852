import { useEffect, useState } from 'preact/hooks';
import { Actions } from './action.js';
import { search } from './api.js';
import { count, time, upper, words } from './format.js';
import { go, say, useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  Copyable,
  Facts,
  Heading,
  Link,
  Person,
  SearchField,
  Section,
  State,
  Table,
  TenantLink,
  Trouble,
  When,
  waitsFor,
} from './parts.js';
import { actionsOfRewrap, RewrapBar, RewrapLink } from './rewrap.js';
import { StartRewrap } from './rewrap-form.js';

const whose = (/** @type {string | null} */ tenantId) =>
  tenantId === null ? 'all tenants' : html`<${TenantLink} id=${tenantId} />`;

/** Rewraps, the latest first. */
export function RewrapsPage({ query }) {
  const { tenantId = '', cursor } = query;
  const { data, problem } = useRead(
    `/kek/rewraps${search({ tenantId, cursor, limit: 50 })}`,
    cursor ? 0 : 5_000,
  );
  const filter = (/** @type {string} */ text) => go(`/console/rewraps${search({ tenantId: text })}`);
  const started = (/** @type {any} */ { rewrapId }) => go(`/console/rewraps/${rewrapId}`);
  return html`
    <${Heading} title="Rewraps" lead="The same keys under another KEK: no record is touched."><${StartRewrap} onDone=${started} /></${Heading}>
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${SearchField} label="Tenant" value=${tenantId} onFilter=${filter} />
    </form>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${Table} caption="Rewraps, the latest first" empty="There is none."
      columns=${[{ name: 'Rewrap' }, { name: 'Keys of' }, { name: 'Under' }, { name: 'Status' }, { name: 'Keys' }, { name: 'Started' }, { name: 'By' }]}
      rows=${data.rewraps.map((rewrap) => [
        html`<${RewrapLink} id=${rewrap.rewrapId} />`,
        whose(rewrap.tenantId),
        html`<span class="kek" title=${rewrap.kekId}>${rewrap.kek}</span>`,
        html`<${State} of=${rewrap.status} />`,
        html`<${RewrapBar} rewrap=${rewrap} />`,
        html`<${When} at=${rewrap.startedAt} />`,
        rewrap.initiatedBy.name ?? rewrap.initiatedBy.id,
      ])} />
    <p class="pager">${cursor && html`<${Link} href=${`/console/rewraps${search({ tenantId })}`}>First page</${Link}>`}
      ${data.nextCursor !== null && html`<${Link} href=${`/console/rewraps${search({ tenantId, cursor: data.nextCursor })}`}>Older ones</${Link}>`}</p>`
    }`;
}

/** One rewrap: how many keys are under the other KEK, and that they are the same keys. */
export function RewrapPage({ id }) {
  const { may } = useSession();
  const [status, setStatus] = useState('in_progress');
  const path = `/kek/rewraps/${encodeURIComponent(id)}`;
  // No stream tells of rewraps; a finished one does not change.
  const everyMs = status === 'in_progress' || status === 'paused' ? 2_000 : 0;
  const rewrap = useRead(may.includes('getRewrap') ? path : null, everyMs);
  const { data, problem } = rewrap;
  useEffect(() => {
    if (data === null) return;
    if (status !== data.status) say(`The rewrap is ${words(data.status)}.`);
    setStatus(data.status);
  }, [data?.status]);
  if (data === null)
    return html`<${Heading} title="Rewrap" lead=${problem === null ? 'One moment…' : problem.message} />`;
  const same = data.fingerprintAfter !== null && data.fingerprintAfter === data.fingerprintBefore;
  return html`
    <${Heading} title=${html`Rewrap <span class="id">${id.slice(0, 15)}</span>`}
      lead=${html`<${State} of=${data.status} /> keys of ${whose(data.tenantId)} under <span class="kek">${data.kek}</span>${everyMs > 0 && html` · <span>looked at every few seconds</span>`}`}>
      <${Actions} of=${actionsOfRewrap(data)} gone=${`Meanwhile it is ${words(data.status)}: this can no longer be done.`} onDone=${rewrap.again} />
    </${Heading}>
    <${Trouble} problem=${problem} />
    <p class="figure"><b>${data.percentComplete} %</b> of ${count(data.keysTotal)} keys</p>
    <${RewrapBar} rewrap=${data} />
    ${
      data.waitingDetail !== null &&
      html`<p class="waits"><b>${waitsFor(data)}.</b> ${upper(data.waitingDetail.what)}; ${data.waitingDetail.todo}.</p>`
    }
    ${data.keysSetAside > 0 && html`<p class="waits">${count(data.keysSetAside)} stay under the KEK of before: it did not unwrap them.</p>`}
    <${Section} title="Facts"><${Facts} facts=${[
      ['Rewrap', html`<span class="id">${id}</span>`],
      ['KEK', html`<span class="kek">${data.kekId}</span>`],
      ['Calls of KMSs', `${count(data.kmsCalls)}, at most ${count(data.callsPerSecondMax)} a second`],
      ['Forced', data.forced ? 'yes: not every process had proved that KEK' : null],
      ['Records re-encrypted', count(data.recordsReencrypted)],
      ['Started by', html`<${Person} of=${data.initiatedBy} />`],
      ['Started', time(data.startedAt)],
      ['Ended', data.completedAt === null ? null : time(data.completedAt)],
    ]} /></${Section}>
    ${
      data.fingerprintAfter !== null &&
      html`<${Section} title="The same keys"><p>${same ? 'The fingerprint over them is the same as before: no key was exchanged for another.' : 'The fingerprints differ.'}</p>
      <${Facts} facts=${[
        ['Before', html`<span class="id">${data.fingerprintBefore}</span>`],
        ['After', html`<span class="id">${data.fingerprintAfter}</span>`],
      ]} /></${Section}>`
    }
    <${Section} title="The same from a terminal"><${Copyable} name="command line" text=${`npx rekey rewrap status ${id}`} /></${Section}>`;
}
