import { exportUrl, search } from './api.js';
import { ago, count } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import { Actor, Heading, Link, RotationLink, SearchField, Section, Table, Trouble, When } from './parts.js';

const fields = [
  ['kind', 'Kind', 'rotation.paused'],
  ['actor', 'Actor', 'id'],
  ['rotationId', 'Rotation', 'rot-…'],
  ['tenantId', 'Tenant', 'id'],
];

/** What was recorded, and what proves that nobody rewrote it. */
export function AuditPage({ query }) {
  const { cursor, ...filters } = query;
  const given = Object.fromEntries(fields.map(([name]) => [name, filters[name]]));
  const events = useRead(`/audit${search({ ...given, cursor, limit: 50 })}`);
  const checkpoints = useRead('/audit/checkpoints?limit=1', 30_000);
  const [latest] = checkpoints.data?.checkpoints ?? [];
  const filter = (/** @type {string} */ name) => (/** @type {string} */ text) =>
    go(`/console/audit${search({ ...given, [name]: text })}`);
  return html`
    <${Heading} title="Audit" lead=${checkpoints.data !== null && (latest === undefined ? 'No checkpoint yet: workers without a signing key make none.' : `Signed up to event ${count(latest.size)}; the checkpoint is ${ago(latest.madeAt)}.`)}>
      <a class="button" href=${exportUrl(given)} download="audit.jsonl">Export these</a>
    </${Heading}>
    <form class="filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${fields.map(([name = '', label, hint]) => html`<${SearchField} label=${label} value=${given[name] ?? ''} hint=${hint} onFilter=${filter(name)} />`)}
    </form>
    <${Trouble} problem=${events.problem} />
    ${
      events.data !== null &&
      html`<${Table} caption="Events" empty="Nothing of that kind was recorded."
      columns=${[{ name: 'At' }, { name: 'What' }, { name: 'By' }, { name: 'Rotation' }, { name: 'Chain' }, { name: 'No.', number: true }]}
      rows=${events.data.events.map(({ event }) => [
        html`<${When} at=${event.at} />`,
        html`<details class="inline"><summary>${event.kind}</summary><pre tabindex="0" aria-label="payload">${JSON.stringify(event.payload, null, 2)}</pre></details>`,
        html`<${Actor} of=${event.actor} />`,
        event.rotationId === null ? '–' : html`<${RotationLink} id=${`rot-${event.rotationId}`} />`,
        html`<span class="id short" title=${event.chain}>${event.chain.slice(0, 8)}</span>`,
        count(event.sequence),
      ])} />
    <p class="pager">${cursor && html`<${Link} href=${`/console/audit${search(given)}`}>First page</${Link}>`}
      ${events.data.nextCursor !== null && html`<${Link} href=${`/console/audit${search({ ...given, cursor: events.data.nextCursor })}`}>Further</${Link}>`}</p>`
    }
    ${
      latest !== undefined &&
      html`<${Section} title="Latest checkpoint"><pre tabindex="0" aria-label="checkpoint">${latest.note}</pre>
      <p class="note">An export with it is verified anywhere: <code>npx rekey audit verify FILE --checkpoint NOTE</code>. That this page shows it proves nothing.</p></${Section}>`
    }`;
}
