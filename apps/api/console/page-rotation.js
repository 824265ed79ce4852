import { useState } from 'preact/hooks';
import { Actions } from './action.js';
import { actionsOf } from './actions.js';
import { readAs, signingKeys } from './api.js';
import { pin, verify } from './certificate.js';
import { Phases, Rate, Strip } from './charts.js';
import { useFollowed } from './follow.js';
import { count, duration, estimate, time, total, upper, words } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  Actor,
  Bars,
  Copyable,
  Facts,
  Heading,
  KeyLink,
  Person,
  RotationLink,
  Section,
  State,
  Table,
  TenantLink,
  Throttled,
  Trouble,
  When,
  waitsFor,
} from './parts.js';
import { Planned } from './plan.js';

const followed = { stream: 'live', polling: 'looked at every few seconds' };

/** One rotation, from its call to its certificate. */
export function RotationPage({ id }) {
  const { rotation, by, gone, again } = useFollowed(id);
  const runs = rotation !== null && rotation.completedAt === null;
  // Another interval reads once more: what was last seen of a running one is not the end of its story.
  const everyMs = runs ? 3_000 : 0;
  const base = `/dek/rotations/${id}`;
  const known = rotation === null ? null : base;
  const timeline = useRead(known && `${base}/timeline`, everyMs);
  const ranges = useRead(known && `${base}/ranges?cells=500`, everyMs);
  const samples = useRead(known && `${base}/samples`, everyMs);
  // What was planned stands beside what it took, and in no stream.
  const { data: whole } = useRead(known, 0, runs);
  const failures = useRead(known && `${base}/failures?limit=50`, everyMs);
  if (rotation === null)
    return html`<${Heading} title="Rotation" lead=${gone ? 'There is no such rotation that you may see, or the API does not answer.' : 'One moment…'} />`;
  const done = (/** @type {any} */ data) =>
    data.rotationId === id ? again() : go(`/console/rotations/${data.rotationId}`);
  return html`
    <${Heading} title=${html`Rotation <span class="id">${id.slice(0, 12)}</span>`}
      lead=${html`<${State} of=${rotation.status} /> <span class="phase">${rotation.phase}</span>${runs && html` · <span>${followed[by] ?? 'not live: what is shown may be old'}</span>`}`}>
      <${Actions} of=${actionsOf(rotation)} gone=${`Meanwhile it is ${words(rotation.status)}: this can no longer be done.`} onDone=${done} />
      <button type="button" class="quiet" onClick=${() => print()}>Print report</button>
    </${Heading}>
    <p class="figure"><b>${count(rotation.percentComplete)} %</b> ${runs ? html`${count(rotation.itemsPerSecond)} records/s, ${estimate(rotation)} to go` : (rotation.failureReason ?? '')}</p>
    <${Bars} rotation=${rotation} />
    ${
      rotation.waitingDetail !== null &&
      html`<div class="waits"><b>${waitsFor(rotation)}.</b>
      ${' '}${upper(rotation.waitingDetail.what)}; ${rotation.waitingDetail.todo}.
      ${(rotation.waitingDetail.holders ?? []).length > 0 && html`<ul>${rotation.waitingDetail.holders.map((holder) => html`<li>session ${holder.pid ?? holder.gid}${holder.applicationName === null ? '' : ` of ${holder.applicationName}`}</li>`)}</ul>`}</div>`
    }
    <${Throttled} by=${rotation.throttledBy} />
    <${Section} title="Facts"><${Facts} facts=${[
      ['Tenant', html`<${TenantLink} id=${rotation.tenantId} />`],
      ['Rotation', html`<span class="id">${id}</span>`],
      ['From key', html`<${KeyLink} id=${rotation.previousKeyId} />`],
      ['To key', html`<${KeyLink} id=${rotation.newKeyId} />`],
      ['Started by', html`<${Person} of=${rotation.initiatedBy} />`],
      ['Started', time(rotation.startedAt)],
      ['Switched', time(rotation.switchedAt)],
      ['Drained', time(rotation.drainedAt)],
      ['Ended', time(rotation.completedAt)],
      ['Records at the call', count(total(rotation.itemsToRotate))],
      [
        'Held back to',
        rotation.itemsPerSecondMax === null ? null : `${count(rotation.itemsPerSecondMax)} records/s`,
      ],
      ['Because of', rotation.compromise ? 'a compromised key' : null],
      [
        'Gave way to',
        rotation.supersededBy === null ? null : html`<${RotationLink} id=${rotation.supersededBy} />`,
      ],
      ['Retry of', rotation.retryOf === null ? null : html`<${RotationLink} id=${rotation.retryOf} />`],
    ]} /></${Section}>
    ${whole?.plan !== undefined && html`<${Section} title="Plan"><${Planned} plan=${whole.plan} actual=${runs ? null : whole.actual} /></${Section}>`}
    <${Section} title="Timeline"><${Trouble} problem=${timeline.problem} />${
      timeline.data !== null &&
      html`
      <${Phases} phases=${timeline.data.phases} />
      <${Table} caption="Phases" empty="No phase has begun." columns=${[{ name: 'Phase' }, { name: 'Began' }, { name: 'Took', number: true }]}
        rows=${timeline.data.phases.map(({ phase, begin, end, durationMs }) => [phase, html`<${When} at=${begin} />`, `${duration(durationMs)}${end === null ? ' so far' : ''}`])} />
      <details><summary>${count(timeline.data.events.length)} events: who and why</summary><${Table} caption="Events" empty="None."
        columns=${[{ name: 'At' }, { name: 'What' }, { name: 'By' }, { name: 'Reason' }]}
        rows=${timeline.data.events.map(({ at, kind, actor, reason, failureReason }) => [html`<${When} at=${at} />`, kind, html`<${Actor} of=${actor} />`, reason ?? failureReason ?? '–'])} /></details>`
    }</${Section}>
    <${Section} title="Ranges"><${Trouble} problem=${ranges.problem} />${ranges.data !== null && (ranges.data.cells.length === 0 ? html`<p class="empty">Not cut yet.</p>` : html`<${Strip} cells=${ranges.data.cells} />`)}</${Section}>
    <${Section} title="Rate">${samples.data !== null && html`<${Rate} samples=${samples.data.samples} />`}</${Section}>
    <${Section} title="Set aside">${
      failures.data !== null &&
      html`<${Table} caption="Records that were set aside" empty="None: every record opened."
      columns=${[{ name: 'Record' }, { name: 'Table' }, { name: 'Reason' }, { name: 'At' }]}
      rows=${failures.data.failures.map(({ recordId, target, reason, at }) => [html`<span class="id">${recordId}</span>`, target, words(reason), html`<${When} at=${at} />`])} />`
    }</${Section}>
    ${rotation.status.startsWith('completed') && html`<${Certificate} id=${id} />`}
    <${Section} title="The same from a terminal">
      <${Copyable} name="command line" text=${`npx rekey explain ${id}`} />
      <${Copyable} name="curl" text=${`curl "$REKEY_URL/api/v1/admin${base}" \\\n  -H "Authorization: Bearer $REKEY_TOKEN"`} />
    </${Section}>`;
}

/** Fetched when asked, and verified here: the server is not asked whether it is right. */
function Certificate({ id }) {
  const [state, setState] = useState(/** @type {any} */ ({ text: null, verdict: null, problem: null }));
  const look = async () => {
    try {
      const text = await readAs(`/dek/rotations/${id}/certificate`, 'application/vnd.dsse+json');
      setState({ text, verdict: await verify(text, await signingKeys(), id), problem: null });
    } catch (problem) {
      setState({ text: null, verdict: null, problem });
    }
  };
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([state.text], { type: 'application/json' }));
    link.download = `${id}.dsse.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  };
  const { verdict, problem } = state;
  return html`<${Section} title="Certificate" aside=${html`<button type="button" onClick=${look}>Verify in this browser</button>`}>
    <${Trouble} problem=${problem} />
    ${verdict === null && problem === null && html`<p class="empty">Signed by a worker, and verified here by WebCrypto when you ask.</p>`}
    ${
      verdict !== null &&
      html`<div class=${verdict.trusted ? 'verdict good' : 'verdict'} role="status">
      <p><b>${verdict.trusted ? 'Verified against a key that is pinned in this browser.' : 'The certificate is whole, and signed by the key below.'}</b>
        ${!verdict.trusted && ' That key came from this same server: whether it is the right one, only a comparison by another way can tell.'}</p>
      <${Facts} facts=${[
        ['Signing key', html`<span class="id">${verdict.kid}</span>`],
        ['Signed', time(verdict.statement.predicate.signedAt)],
        ['Rotation', html`<span class="id">${verdict.statement.predicate.rotationId}</span>`],
      ]} />
      <div class="actions">
        ${
          !verdict.trusted &&
          html`<button type="button" onClick=${() => {
            pin(verdict.kid);
            void look();
          }}>I have compared it: pin this key</button>`
        }
        <button type="button" onClick=${save}>Save the certificate</button></div>
    </div>`
    }
  </${Section}>`;
}
