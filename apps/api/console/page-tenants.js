import { search } from './api.js';
import { ago } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import { Heading, KeyLink, Link, RotationLink, State, Table, TenantLink, Trouble, When } from './parts.js';

const levels = ['fresh', 'due', 'overdue', 'orphaned'];

/** All tenants, and how their keys stand by their policies; the filter stands in the address. */
export function TenantsPage({ query }) {
  const { level = '', wrapping = '', cursor } = query;
  const { data, problem } = useRead(
    `/tenants${search({ level, wrapping, cursor, limit: 50 })}`,
    cursor ? 0 : 10_000,
  );
  return html`
    <${Heading} title="Tenants" lead=${data !== null && data.seenAt !== null && `How they stand was looked at ${ago(data.seenAt)}`} />
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label>By policy <select value=${level} onChange=${(/** @type {any} */ event) => go(`/console/tenants${search({ level: event.target.value, wrapping })}`)}>
        <option value="">any</option>${levels.map((one) => html`<option value=${one}>${one}</option>`)}</select></label>
      <label>Wrapping <select value=${wrapping} onChange=${(/** @type {any} */ event) => go(`/console/tenants${search({ level, wrapping: event.target.value })}`)}>
        <option value="">any</option>${levels.map((one) => html`<option value=${one}>${one}</option>`)}</select></label>
    </form>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${Table} caption="Tenants, by their ids" empty="There are none of that kind."
      columns=${[{ name: 'Tenant' }, { name: 'Name' }, { name: 'By policy' }, { name: 'Active key' }, { name: 'Since' }, { name: 'Due' }, { name: 'Rotation' }]}
      rows=${data.tenants.map((tenant) => [
        html`<${TenantLink} id=${tenant.tenantId} />`,
        tenant.name,
        html`<${Standing} of=${tenant} />`,
        tenant.activeKey === null ? 'none yet' : html`<${KeyLink} id=${tenant.activeKey.keyId} />`,
        tenant.activeKey === null ? '' : html`<${When} at=${tenant.activeKey.activatedAt} />`,
        tenant.dueAt === null ? '' : html`<${When} at=${tenant.dueAt} />`,
        tenant.rotationId === null ? '' : html`<${RotationLink} id=${tenant.rotationId} />`,
      ])} />
    <p class="pager">${cursor && html`<${Link} href=${`/console/tenants${search({ level, wrapping })}`}>First page</${Link}>`}
      ${data.nextCursor !== null && html`<${Link} href=${`/console/tenants${search({ level, wrapping, cursor: data.nextCursor })}`}>Next ones</${Link}>`}</p>`
    }`;
}

/** Of its key, and of the oldest wrapping of its DEKs where a policy says how old that gets. @param {{ of: any }} props */
function Standing({ of: { level, wrapping } }) {
  return html`${level === null ? 'no policy' : html`<${State} of=${level} />`}
    ${wrapping !== null && html`<br /><small>wrapping</small> <${State} of=${wrapping.level} />`}`;
}
