import { useState } from 'preact/hooks';
import { Actions } from './action.js';
import { actionsOf } from './actions.js';
import { ago, count, counted, estimate, upper, words } from './format.js';
import { useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  Bars,
  Heading,
  Link,
  RotationLink,
  Section,
  State,
  Table,
  TenantLink,
  Throttled,
  Trouble,
  waitsFor,
} from './parts.js';

const why = {
  paused: 'paused for more than a day',
  failed: 'failed, and none completed since',
  completed_with_failures: 'left records under an older key',
  integrity: 'waits: the database is not as it was',
  internal: 'waits: something unexpected, see the log of the workers',
  kek_suspended: 'waits: its KEK refuses',
};

/**
 * Each rotation once, whichever list was asked last, and the one of which somebody has a dialog open for as long as it is: a card that
 * went would take along what they typed. @param {any[]} listed
 */
function useHeld(listed) {
  const [held, setHeld] = useState(/** @type {any} */ (null));
  const unique = listed.filter(
    ({ rotationId }, at) => listed.findIndex((other) => other.rotationId === rotationId) === at,
  );
  const isGone = held !== null && !unique.some(({ rotationId }) => rotationId === held.rotationId);
  const now = useRead(isGone ? `/dek/rotations/${held.rotationId}` : null, 2_000);
  return { live: isGone ? [...unique, now.data ?? held] : unique, onOpen: setHeld };
}

/** What runs, and what needs a person: four sentences, each a filter. */
export function NowPage() {
  const summary = useRead('/summary', 2_000);
  const running = useRead('/dek/rotations?status=in_progress&limit=20', 2_000);
  const paused = useRead('/dek/rotations?status=paused&limit=20', 5_000);
  const again = () => {
    for (const one of [summary, running, paused]) one.again();
  };
  const { data } = summary;
  const old =
    data === null
      ? 0
      : data.activeKeyAges
          .filter(({ daysBelow }) => daysBelow === null || daysBelow > 365)
          .reduce((sum, { keys }) => sum + keys, 0);
  const listed = [...(running.data?.rotations ?? []), ...(paused.data?.rotations ?? [])];
  const { live, onOpen } = useHeld(listed);
  return html`
    <${Heading} title="Now" />
    <${Trouble} problem=${summary.problem ?? running.problem} />
    ${
      data !== null &&
      html`<ul class="sentences">
      <li><${Link} href="/console/rotations?status=in_progress"><b>${count(data.rotations.in_progress)}</b> ${data.rotations.in_progress === 1 ? 'rotation runs' : 'rotations run'}</${Link}>${data.rotations.paused > 0 && html`, <${Link} href="/console/rotations?status=paused">${count(data.rotations.paused)} paused</${Link}>`}.</li>
      <li class=${data.needsSomebody.count > 0 ? 'alarm' : ''}><a href="#needs"><b>${count(data.needsSomebody.count)}</b> ${data.needsSomebody.count === 1 ? 'needs' : 'need'} somebody</a>.</li>
      ${
        data.byPolicy === null
          ? html`<li><${Link} href="/console/fleet"><b>${count(old)}</b> active ${old === 1 ? 'key is' : 'keys are'} older than a year</${Link}>.</li>`
          : html`<li class=${data.byPolicy.orphaned > 0 ? 'alarm' : ''}><${Link} href="/console/tenants?level=overdue"><b>${count(data.byPolicy.overdue)}</b> ${data.byPolicy.overdue === 1 ? 'key is' : 'keys are'} overdue</${Link}>${data.byPolicy.orphaned > 0 && html`, <${Link} href="/console/tenants?level=orphaned">${count(data.byPolicy.orphaned)} ${data.byPolicy.orphaned === 1 ? 'needs' : 'need'} a person</${Link}>`}.</li>`
      }
      <li><${Link} href="/console/rotations?status=completed"><b>${count(data.rotations.completed)}</b> ${data.rotations.completed === 1 ? 'rotation has' : 'rotations have'} left nothing behind</${Link}>.</li>
    </ul>`
    }
    <${Section} title="Running">
      ${live.length === 0 && running.data !== null && html`<p class="empty">Nothing runs. A rotation begins on the page of its tenant.</p>`}
      <div class="cards">${live.map(
        (rotation) => html`<article class="card" key=${rotation.rotationId}>
        <div class="card-head"><h3><${RotationLink} id=${rotation.rotationId} /></h3> <${State} of=${rotation.status} /> <span class="phase">${rotation.phase}</span></div>
        <p class="card-facts">tenant <${TenantLink} id=${rotation.tenantId} /> · ${count(rotation.itemsPerSecond)} records/s · ${estimate(rotation)}</p>
        <${Bars} rotation=${rotation} />
        ${rotation.waitingDetail !== null && html`<p class="waits"><b>${waitsFor(rotation)}.</b> ${upper(rotation.waitingDetail.what)}; ${rotation.waitingDetail.todo}.</p>`}
        <${Throttled} by=${rotation.throttledBy} />
        <div class="actions"><${Actions} of=${actionsOf(rotation)} gone=${`Meanwhile it is ${words(rotation.status)}: this can no longer be done.`} onDone=${again}
          onOpen=${(/** @type {boolean} */ isOpen) => onOpen(isOpen ? rotation : null)} /></div>
      </article>`,
      )}</div>
    </${Section}>
    <div id="needs"><${Section} title="Needs somebody">
      <${Table} caption="Rotations that need a person" empty="Nobody is needed."
        columns=${[{ name: 'Rotation' }, { name: 'Tenant' }, { name: 'Why' }, { name: 'Since' }]}
        rows=${(data?.needsSomebody.rotations ?? []).map(({ rotationId, tenantId, reason, since }) => [
          html`<${RotationLink} id=${rotationId} />`,
          html`<${TenantLink} id=${tenantId} />`,
          /** @type {Record<string, string>} */ (why)[reason] ?? words(reason),
          html`<time datetime=${since} title=${since}>${ago(since)}</time>`,
        ])} />
      ${data !== null && data.needsSomebody.count > data.needsSomebody.rotations.length && html`<p class="note">${counted(data.needsSomebody.count, 'rotation')} in all; these have stood longest.</p>`}
    </${Section}></div>`;
}
