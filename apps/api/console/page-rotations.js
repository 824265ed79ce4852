import { search } from './api.js';
import { count, total } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  Heading,
  Link,
  RotationLink,
  SearchField,
  State,
  Table,
  TenantLink,
  Trouble,
  When,
} from './parts.js';

const statuses = ['in_progress', 'paused', 'completed', 'completed_with_failures', 'failed', 'cancelled'];

/** All rotations there ever were, by filters that stand in the address. */
export function RotationsPage({ query }) {
  const { status = '', tenantId = '', cursor } = query;
  const { data, problem } = useRead(
    `/dek/rotations${search({ status, tenantId, cursor, limit: 50 })}`,
    cursor ? 0 : 10_000,
  );
  const filter = (/** @type {object} */ changed) =>
    go(`/console/rotations${search({ status, tenantId, ...changed })}`);
  return html`
    <${Heading} title="Rotations" />
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>Status <select value=${status} onChange=${(/** @type {any} */ event) => filter({ status: event.target.value })}>
        <option value="">any</option>${statuses.map((one) => html`<option value=${one}>${one.replaceAll('_', ' ')}</option>`)}</select></label>
      <${SearchField} label="Tenant" value=${tenantId} onFilter=${(/** @type {string} */ text) => filter({ tenantId: text })} />
    </form>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${Table} caption="Rotations, the latest first" empty="There are none of that kind."
      columns=${[{ name: 'Rotation' }, { name: 'Tenant' }, { name: 'Status' }, { name: 'Started' }, { name: 'Records', number: true }, { name: 'Set aside', number: true }, { name: 'By' }]}
      rows=${data.rotations.map((rotation) => [
        html`<${RotationLink} id=${rotation.rotationId} />`,
        html`<${TenantLink} id=${rotation.tenantId} />`,
        html`<${State} of=${rotation.status} />`,
        html`<${When} at=${rotation.startedAt} />`,
        count(total(rotation.itemsToRotate)),
        count(total(rotation.itemsFailed)),
        rotation.initiatedBy.name ?? rotation.initiatedBy.id,
      ])} />
    <p class="pager">${cursor && html`<${Link} href=${`/console/rotations${search({ status, tenantId })}`}>First page</${Link}>`}
      ${data.nextCursor !== null && html`<${Link} href=${`/console/rotations${search({ status, tenantId, cursor: data.nextCursor })}`}>Older ones</${Link}>`}</p>`
    }`;
}
