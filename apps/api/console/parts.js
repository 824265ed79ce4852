import { useEffect, useState } from 'preact/hooks';
import { count, duration, short, time, upper, words } from './format.js';
import { go } from './hooks-of-ours.js';
import { html } from './html.js';

/** A link that stays in the page, unless somebody wants another tab. */
export function Link({ href, children, ...rest }) {
  const follow = (/** @type {MouseEvent} */ event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(href);
  };
  return html`<a href=${href} onClick=${follow} ...${rest}>${children}</a>`;
}

/**
 * A filter that somebody types: it stays as it is while answers come and the page is drawn anew, and counts by Enter or when they leave it.
 * @param {{label: string, value: string, hint?: string, onFilter: (text: string) => void}} props
 */
export function SearchField({ label, value, hint = 'id', onFilter }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return html`<label>${label} <input type="search" value=${typed} placeholder=${hint}
    onInput=${(/** @type {any} */ event) => setTyped(event.target.value)}
    onChange=${(/** @type {any} */ event) => onFilter(event.target.value.trim())} /></label>`;
}

export const RotationLink = ({ id }) =>
  html`<${Link} href=${`/console/rotations/${id}`} class="id" title=${id}>${short(id)}</${Link}>`;
export const TenantLink = ({ id }) =>
  html`<${Link} href=${`/console/tenants/${id}`} class="id" title=${id}>${short(id)}</${Link}>`;
export const KeyLink = ({ id }) =>
  id === null
    ? 'none'
    : html`<${Link} href=${`/console/keys/${id}`} class="id" title=${id}>${short(id)}</${Link}>`;

const signs = {
  in_progress: ['run', '▸'],
  paused: ['hold', '‖'],
  completed: ['good', '✓'],
  completed_with_failures: ['warn', '!'],
  failed: ['bad', '✕'],
  cancelled: ['mute', '○'],
  active: ['good', '●'],
  pre_active: ['mute', '○'],
  deactivated: ['mute', '◐'],
  compromised: ['bad', '!'],
  destroyed: ['mute', '✕'],
  live: ['good', '●'],
  silent: ['warn', '!'],
  ended: ['mute', '○'],
  met: ['good', '✓'],
  unmet: ['warn', '✕'],
  unknown: ['warn', '?'],
  running: ['run', '▸'],
  waiting: ['mute', '○'],
  skipped: ['mute', '–'],
  fresh: ['good', '●'],
  due: ['run', '▸'],
  overdue: ['warn', '!'],
  orphaned: ['bad', '✕'],
};

/** A state: never by its colour alone. @param {{of: string}} props */
export function State({ of }) {
  const [kind, sign] = /** @type {Record<string, string[]>} */ (signs)[of] ?? ['mute', '·'];
  return html`<span class=${`state ${kind}`}><span aria-hidden="true">${sign}</span> ${words(of)}</span>`;
}

/** What keeps a page from being true, beside what it showed last. */
export function Trouble({ problem }) {
  if (problem === null || problem.status === 401) return null;
  return html`<p class="trouble" role="alert">${problem.message}${
    problem.issues?.length > 0 &&
    html`<ul>
    ${problem.issues.map((issue) => html`<li><code>${issue.path}</code> ${issue.message}</li>`)}
  </ul>`
  }</p>`;
}

/** @param {{title: unknown, lead?: unknown, children?: unknown}} props */
export const Heading = ({ title, lead = null, children = null }) => html`<header class="heading">
  <div><h1 tabindex="-1">${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
  <div class="actions">${children}</div>
</header>`;

/** @param {{id?: string, title: unknown, children?: unknown, aside?: unknown}} props */
export const Section = ({ title, children, aside = null }) => html`<section>
  <div class="section-head"><h2>${title}</h2>${aside}</div>
  ${children}
</section>`;

/**
 * A table that becomes a list of cards where there is no room for columns.
 * @param {{columns: {name: string, number?: boolean}[], rows: unknown[][], empty: string, caption: string}} props
 */
export function Table({ columns, rows, empty, caption }) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${columns.map(({ name, number }) => html`<th scope="col" class=${number ? 'n' : ''}>${name}</th>`)}</tr></thead>
    <tbody>${rows.map(
      (cells) =>
        html`<tr>${cells.map(
          (cell, at) => html`<td
      class=${columns[at]?.number ? 'n' : ''} data-name=${columns[at]?.name}><span>${cell}</span></td>`,
        )}</tr>`,
    )}</tbody>
  </table>`;
}

const types = { credentials: 'credentials', apiKeys: 'API keys', secrets: 'secrets' };

/** Per item type: re-encrypted, superseded, set aside, left. */
export function Bars({ rotation }) {
  return html`<div class="bars">${Object.entries(types).map(([type, name]) => {
    const [done, superseded, failed, left] = [
      'itemsRotated',
      'itemsSuperseded',
      'itemsFailed',
      'itemsRemaining',
    ].map((part) => rotation[part][type]);
    const all = done + superseded + failed + left;
    if (all === 0) return null;
    const parts = [
      ['done', done, 're-encrypted'],
      ['superseded', superseded, 'superseded'],
      ['failed', failed, 'set aside'],
      ['left', left, 'left'],
    ];
    const text = parts
      .filter(([, n]) => n > 0)
      .map(([, n, what]) => `${count(n)} ${what}`)
      .join(', ');
    return html`<div class="bar-row">
      <span class="bar-name">${name}</span>
      <span class="bar" role="img" aria-label=${`${name}: ${text}`}>${parts.map(
        ([kind, n]) => html`<i class=${kind} style=${{ flexGrow: n }}></i>`,
      )}</span>
      <span class="bar-text">${text}</span>
    </div>`;
  })}</div>`;
}

/** @param {{facts: [string, unknown][]}} props */
export const Facts = ({ facts }) =>
  html`<dl class="facts">${facts
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** In a table: on one line. @param {{at: string | null}} props */
export const When = ({ at }) =>
  at === null ? '–' : html`<time class="when" datetime=${at}>${time(at)}</time>`;

/** Who began something. @param {{of: {id: string, name: string | null, email: string | null}}} props */
export const Person = ({ of: { id, name, email } }) =>
  html`${name ?? id}${email !== null && html`<small class="mail">${email}</small>`}`;

/** Who did something: a process by the first part of its id. @param {{of: {kind: string, id: string}}} props */
export const Actor = ({ of: { kind, id } }) =>
  html`<span title=${id}>${kind} ${kind === id ? '' : short(id)}</span>`;

/** When something was asked that costs too much to be asked all the time. @param {{of: {at: Date | null, again: () => void}, name: string}} props */
export const AsOf = ({ of, name }) =>
  of.at !== null &&
  html`<span class="as-of">as of ${of.at.toISOString().slice(11, 19)} <button type="button" class="quiet" onClick=${of.again}>${name}</button></span>`;

/** A command to take elsewhere. @param {{text: string, name: string}} props */
export function Copyable({ text, name }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).catch(() => {});
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return html`<div class="copyable">
    <div class="copyable-head"><span>${name}</span><button type="button" class="quiet" onClick=${copy}
      aria-label=${`Copy ${name}`}>${copied ? 'Copied' : 'Copy'}</button></div>
    <pre tabindex="0" aria-label=${name}><code>${text}</code></pre>
  </div>`;
}

/** What its sweep is held back for, of its own accord. */
export const Throttled = ({ by }) =>
  by !== null &&
  html`<p class="waits"><b>It is held back for the sake of production (${words(by.signal)}), for ${lasting(by.since)}.</b> ${upper(by.detail)}. It goes on by itself.</p>`;

const waits = {
  worker: 'It waits for a worker',
  kms: 'It waits for the KMS',
  database: 'It waits for the database',
  lock: 'It waits for a lock',
  integrity: 'It waits: the database is not as it was',
  internal: 'It waits: something unexpected',
  window: 'It waits for its hours',
  kek_suspended: 'It waits: its KEK refuses',
};

/** Why it stands still, in a few words: what it waits for, or that somebody paused it; and for how long. */
export const waitsFor = ({ status, waitingFor, waitingDetail }) => {
  const why =
    waitingFor === null
      ? `It is ${words(status)}`
      : /** @type {Record<string, string>} */ (waits[waitingFor] ?? `It waits for ${words(waitingFor)}`);
  return waitingDetail.since === null ? why : `${why}, for ${lasting(waitingDetail.since)}`;
};

/** For how long something has been so. @param {string} since */
const lasting = (since) => duration(Date.now() - Date.parse(since));
