import { useEffect, useState } from 'preact/hooks';
import { Actions } from './action.js';
import { search } from './api.js';
import {
  actionsOfCampaign,
  CampaignBar,
  Counts,
  countsText,
  memberStates,
  whatText,
  whomText,
} from './campaign.js';
import { count, counted, time, words } from './format.js';
import { go, say, useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import {
  Copyable,
  Facts,
  Heading,
  Link,
  Person,
  RotationLink,
  Section,
  State,
  Table,
  TenantLink,
  Trouble,
  When,
} from './parts.js';
import { RewrapLink } from './rewrap.js';

const orders = {
  smallest_first: 'the smallest first',
  largest_first: 'the largest first',
  oldest_key_first: 'the oldest key first',
  as_given: 'as they were given',
};
const waits = {
  canaries: 'It starts nobody else until its canaries have ended well.',
  per_hour: 'It has started as many as it may within an hour, and goes on when that is over.',
  compromise: 'A rotation because of a compromised key is unfinished: that comes first.',
};
const stops = {
  canary: 'It stopped by itself: a canary did not end well.',
  failures: 'It stopped by itself: too many did not end well.',
};

const canaryFirst = 200;

/** One campaign: how far it is, its canaries, and what became of each tenant. */
export function CampaignPage({ id, query }) {
  const { mayForAll } = useSession();
  const base = mayForAll.includes('getCampaign') ? `/campaigns/${encodeURIComponent(id)}` : null;
  const [status, setStatus] = useState('in_progress');
  // No stream tells of campaigns; a finished one does not change.
  const everyMs = status === 'in_progress' || status === 'paused' ? 2_000 : 0;
  const campaign = useRead(base, everyMs);
  const { data, problem } = campaign;
  const { state = '', cursor } = query;
  const members = useRead(base && `${base}/tenants${search({ state, cursor, limit: 50 })}`, everyMs * 2);
  const canaries = useRead(
    data === null || data.canaries === 0 ? null : `${base}/tenants?limit=${canaryFirst}`,
    everyMs * 2,
  );
  useEffect(() => {
    if (data === null) return;
    if (status !== data.status) say(`The campaign is ${words(data.status)}.`);
    setStatus(data.status);
  }, [data?.status]);
  if (base === null)
    return html`<${Heading} title="Campaign" lead="Campaigns concern the whole installation, and are for those who act on all of it." />`;
  if (data === null)
    return html`<${Heading} title="Campaign" lead=${problem === null ? 'One moment…' : problem.message} />`;
  const again = () => {
    for (const one of [campaign, members]) one.again();
  };
  const filter = (/** @type {string} */ to) => go(`/console/campaigns/${id}${search({ state: to })}`);
  return html`
    <${Heading} title=${html`Campaign <span class="id">${id.slice(0, 17)}</span>`}
      lead=${html`<${State} of=${data.status} /> ${whatText(data)}: ${whomText(data.whom)}${everyMs > 0 && html` · <span>looked at every few seconds</span>`}`}>
      <${Actions} of=${actionsOfCampaign(data)} gone=${`Meanwhile it is ${words(data.status)}: this can no longer be done.`} onDone=${again} />
    </${Heading}>
    <${Trouble} problem=${problem} />
    <p class="figure"><b>${data.percentComplete} %</b> of ${counted(data.tenantsTotal, 'tenant')}: ${countsText(data.tenantsByState)}</p>
    <${CampaignBar} byState=${data.tenantsByState} />
    <${Counts} id=${id} byState=${data.tenantsByState} />
    ${data.stoppedFor !== null && html`<p class="waits"><b>${stops[data.stoppedFor]}</b> Look at who did not end well, then resume it or cancel it.</p>`}
    ${data.waitingFor !== null && html`<p class="waits">${waits[data.waitingFor]}</p>`}
    ${data.canaries > 0 && canaries.data !== null && html`<${Canaries} of=${data} members=${canaries.data.tenants} />`}
    <${Section} title="Facts"><${Facts} facts=${[
      ['Campaign', html`<span class="id">${id}</span>`],
      ['Order', orders[data.order]],
      ['At once', count(data.atOnceMax)],
      ['Within an hour', data.perHourMax === null ? 'no limit' : count(data.perHourMax)],
      ['Stops after', counted(data.failuresMax, 'failure')],
      [
        'Calls of a KMS',
        data.action === 'rotate' ? null : `${count(data.callsPerSecondMax)} a second, each rewrap`,
      ],
      ['Started by', html`<${Person} of=${data.initiatedBy} />`],
      ['Started', time(data.startedAt)],
      ['Ended', data.completedAt === null ? null : time(data.completedAt)],
    ]} /></${Section}>
    <${Section} title="Tenants" aside=${html`<label class="aside">State <select value=${state} onChange=${(/** @type {any} */ event) => filter(event.target.value)}>
      <option value="">any</option>${memberStates.map((one) => html`<option value=${one}>${words(one)}</option>`)}</select></label>`}>
      <${Trouble} problem=${members.problem} />
      ${
        members.data !== null &&
        html`<${Members} members=${members.data.tenants} />
      <p class="pager">${cursor && html`<${Link} href=${`/console/campaigns/${id}${search({ state })}`}>First page</${Link}>`}
        ${members.data.nextCursor !== null && html`<${Link} href=${`/console/campaigns/${id}${search({ state, cursor: members.data.nextCursor })}`}>Further</${Link}>`}</p>`
      }
    </${Section}>
    <${Section} title="The same from a terminal"><${Copyable} name="command line" text=${`npx rekey campaign status ${id}\nnpx rekey campaign tenants ${id}${state === '' ? '' : ` --state ${state}`}`} /></${Section}>`;
}

/** Those who come first, and whether the others may follow. */
function Canaries({ of, members }) {
  const own = members.filter(({ canary }) => canary);
  const well = own.filter(({ state }) => state === 'completed').length;
  const running = own.filter(({ state }) => state === 'running' || state === 'waiting').length;
  const badly = own.length - well - running;
  const told = [
    [well, 'ended well'],
    [badly, 'did not'],
    [running, 'are not done'],
  ].filter(([n]) => Number(n) > 0);
  return html`<${Section} title="Canaries"><p>${counted(of.canaries, 'tenant comes', 'tenants come')} first, and the others once all of these have ended well: ${told.map(([n, what]) => `${count(Number(n))} ${what}`).join(', ') || 'none has begun'}.</p></${Section}>`;
}

const Members = ({ members }) =>
  html`<${Table} caption="Its tenants, in their order" empty="There are none of that kind."
    columns=${[{ name: 'No.', number: true }, { name: 'Tenant' }, { name: 'State' }, { name: 'Why' }, { name: 'Work' }, { name: 'Records', number: true }, { name: 'Ended' }]}
    rows=${members.map((one) => [
      count(one.position),
      html`<${TenantLink} id=${one.tenantId} />${one.canary ? ' canary' : ''}`,
      html`<${State} of=${one.state} />`,
      one.reason === null ? '–' : words(one.reason),
      one.workId === null
        ? '–'
        : one.workId.startsWith('rot-')
          ? html`<${RotationLink} id=${one.workId} />`
          : html`<${RewrapLink} id=${one.workId} />`,
      count(one.items),
      html`<${When} at=${one.endedAt} />`,
    ])} />`;
