import { ActionButton } from './action.js';
import { compromiseOf } from './actions.js';
import { search } from './api.js';
import { evidenceText } from './evidence.js';
import { count, duration, time, words } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  AsOf,
  Facts,
  Heading,
  KeyLink,
  Link,
  SearchField,
  Section,
  State,
  Table,
  TenantLink,
  Trouble,
  When,
} from './parts.js';

const states = ['pre_active', 'active', 'deactivated', 'compromised', 'destroyed'];

/** Keys, by filters that stand in the address. */
export function KeysPage({ query }) {
  const { state = '', tenantId = '', cursor } = query;
  const { data, problem } = useRead(`/keys${search({ state, tenantId, cursor, limit: 50 })}`);
  const filter = (/** @type {object} */ changed) =>
    go(`/console/keys${search({ state, tenantId, ...changed })}`);
  return html`
    <${Heading} title="Keys" />
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>State <select value=${state} onChange=${(/** @type {any} */ event) => filter({ state: event.target.value })}>
        <option value="">any</option>${states.map((one) => html`<option value=${one}>${words(one)}</option>`)}</select></label>
      <${SearchField} label="Tenant" value=${tenantId} onFilter=${(/** @type {string} */ text) => filter({ tenantId: text })} />
    </form>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${Table} caption="Keys, by tenant and number" empty="There are none of that kind."
      columns=${[{ name: 'Key' }, { name: 'Tenant' }, { name: 'No.', number: true }, { name: 'State' }, { name: 'Age', number: true }, { name: 'Last used' }, { name: 'Destroyed from' }]}
      rows=${data.keys.map((key) => [
        html`<${KeyLink} id=${key.keyId} />`,
        html`<${TenantLink} id=${key.tenantId} />`,
        key.keyNumber,
        html`<${State} of=${key.state} />${key.draining ? ' drains' : ''}`,
        duration(key.ageSeconds * 1_000),
        html`<${When} at=${key.lastUsedAt} />`,
        html`<${When} at=${key.destructionDueAt} />`,
      ])} />
    <p class="pager">${cursor && html`<${Link} href=${`/console/keys${search({ state, tenantId })}`}>First page</${Link}>`}
      ${data.nextCursor !== null && html`<${Link} href=${`/console/keys${search({ state, tenantId, cursor: data.nextCursor })}`}>More</${Link}>`}</p>`
    }`;
}

const conditions = {
  out_of_use: 'Nothing new is sealed under it',
  drained: 'No transaction holds it any more',
  no_records: 'No record stands under it',
  unused: 'Nobody has opened anything with it lately',
  backups: 'No backup that is kept needs it',
  grace: 'The grace period is over',
  approvals: 'Enough people have agreed',
};

/** One key: what it opens, and whether it may go. */
export function KeyPage({ id }) {
  const path = `/keys/${encodeURIComponent(id)}`;
  const key = useRead(path);
  // Each counts the records of the tenant: asked when the page opens, and by hand.
  const destruction = useRead(`${path}/destruction`);
  const radius = useRead(`${path}/blast-radius`);
  const again = () => {
    for (const one of [key, destruction]) one.again();
  };
  const compromised = (/** @type {any} */ { rotation }) =>
    rotation === null ? again() : go(`/console/rotations/${rotation.rotationId}`);
  const { data } = destruction;
  const on = (/** @type {string} */ verb) => ({ method: 'POST', path: `${path}/${verb}` });
  const schedule = {
    ...on('schedule-destruction'),
    operationId: 'scheduleDestruction',
    name: 'Schedule destruction',
    danger: true,
    retype: id.slice(0, 12),
    cli: `npx rekey key schedule-destruction ${id}`,
    effect:
      'Asks for this key to be destroyed once its grace period is over and every condition holds. Whatever is still sealed under it, in a backup too, can then be opened by nobody.',
  };
  const cancel = {
    ...on('cancel-destruction'),
    operationId: 'cancelDestruction',
    name: 'Cancel destruction',
    cli: `npx rekey key cancel-destruction ${id}`,
    effect: 'The key is kept, and what was agreed to its destruction counts no more.',
  };
  const approve = {
    ...on('approve-destruction'),
    operationId: 'approveDestruction',
    name: 'Approve destruction',
    danger: true,
    cli: `npx rekey key approve ${id}`,
    effect:
      'You agree that this key is destroyed, as its conditions stand now. It cannot be taken back once it is gone.',
  };
  const held = (/** @type {string} */ name) =>
    data?.conditions.find((one) => one.name === name)?.state === 'met';
  const canSchedule =
    data !== null &&
    data.request === null &&
    data.state !== 'destroyed' &&
    ['out_of_use', 'drained', 'no_records'].every(held) &&
    // Nobody has said how long backups are kept: it would be refused.
    data.conditions.some(
      (/** @type {any} */ { name, evidence: facts }) => name === 'backups' && facts.horizonSeconds !== null,
    );
  const offered =
    data === null ? [] : data.request !== null ? [approve, cancel] : canSchedule ? [schedule] : [];
  return html`
    <${Heading} title=${html`Key <span class="id">${id.slice(0, 12)}</span>`} lead=${key.data !== null && html`<${State} of=${key.data.state} /> of tenant <${TenantLink} id=${key.data.tenantId} />`}>
      ${key.data !== null && ['active', 'deactivated'].includes(key.data.state) && html`<${ActionButton} action=${compromiseOf(key.data)} onDone=${compromised} />`}
      ${offered.map((action) => html`<${ActionButton} key=${action.name} action=${action} onDone=${again} />`)}
    </${Heading}>
    <${Trouble} problem=${key.problem} />
    ${
      key.data !== null &&
      html`<${Facts} facts=${[
        ['Key', html`<span class="id">${id}</span>`],
        ['Number', key.data.keyNumber],
        ['Created', time(key.data.createdAt)],
        ['Active from', time(key.data.activatedAt)],
        ['Out of use from', time(key.data.deactivatedAt)],
        ['Records', key.data.records === null ? null : count(key.data.records)],
        ['Seals', `${count(key.data.seals)} of ${count(key.data.sealsMax)}`],
        ['KEK', key.data.kekId === null ? null : html`<span class="kek">${key.data.kekId}</span>`],
        ['Last used', time(key.data.lastUsedAt)],
      ]} />`
    }
    <${Section} title="Safe to destroy?" aside=${html`<${AsOf} of=${destruction} name="Look again" />`}>
    <${Trouble} problem=${destruction.problem} />
      ${
        data !== null &&
        html`<p class="figure"><b>${data.state === 'destroyed' ? 'It is destroyed.' : data.safeToDestroy ? 'Yes: every condition is met.' : 'No.'}</b>
        ${data.request !== null && ` Asked for by ${data.request.subject}; from ${time(data.request.dueAt)} on.`}</p>
      <${Table} caption="Conditions of its destruction" empty="None: it is destroyed." columns=${[{ name: 'Condition' }, { name: 'State' }, { name: 'Because' }]}
        rows=${data.conditions.map((one) => [/** @type {Record<string, string>} */ (conditions)[one.name] ?? words(one.name), html`<${State} of=${one.state} />`, html`<small>${evidenceText(one)}</small>`])} />`
      }
    </${Section}>
    <${Section} title="Blast radius">
      ${
        radius.data !== null &&
        html`<p>With it ${count(radius.data.records)} records can be opened, and whatever backups hold: ${radius.data.backups.detail}</p>
      <${Table} caption="Where its records stand" empty="No record stands under it." columns=${[{ name: 'Table' }, { name: 'Records', number: true }]}
        rows=${radius.data.targets.map(({ target, records }) => [target, count(records)])} />
      <${Table} caption="Who has used it" empty="No process has reported using it." columns=${[{ name: 'Process' }, { name: 'State' }, { name: 'Host' }, { name: 'Last used' }]}
        rows=${radius.data.processes.map(({ kind, state, host, lastUsedAt }) => [kind, html`<${State} of=${state} />`, host, html`<${When} at=${lastUsedAt} />`])} />`
      }
    </${Section}>`;
}
