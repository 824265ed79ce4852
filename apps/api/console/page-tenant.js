import { Actions } from './action.js';
import { compromiseOf } from './actions.js';
import { search } from './api.js';
import { count, duration, total } from './format.js';
import { go, useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { AsOf, Heading, KeyLink, Link, RotationLink, Section, State, Table, Trouble, When } from './parts.js';
import { PolicySection } from './policy.js';

/** One tenant: its keys as a ladder, its rotations, and the next one. */
export function TenantPage({ id, query }) {
  const { cursor } = query;
  const rotations = useRead(`/dek/rotations?tenantId=${encodeURIComponent(id)}&limit=10`, 5_000);
  const running = (rotations.data?.rotations ?? []).find(({ completedAt }) => completedAt === null);
  const latest = rotations.data?.rotations[0];
  // Counts every record of the tenant: asked when the page opens, when a rotation begins or ends, and by hand.
  const keys = useRead(
    rotations.data === null && rotations.problem === null
      ? null
      : `/keys${search({ tenantId: id, cursor, limit: 100 })}`,
    0,
    latest && `${latest.rotationId} ${latest.completedAt}`,
  );
  const { may } = useSession();
  const found = useRead(may.includes('listTenants') ? `/tenants${search({ tenantId: id, limit: 1 })}` : null);
  const name =
    found.data === null
      ? null
      : (found.data.tenants[0]?.name ?? 'There is none that you may see by this id:');
  const next = keys.data?.nextCursor ?? null;
  const isWhole = cursor === undefined && next === null;
  // The newest first; over several pages as they come, by number.
  const ladder = [...(keys.data?.keys ?? [])].sort((a, b) => (isWhole ? b.keyNumber - a.keyNumber : 0));
  const records = ladder.reduce((sum, key) => sum + (key.records ?? 0), 0);
  const rotate = {
    operationId: 'rotateDek',
    name: 'Rotate',
    effect: `Makes a new key for this tenant, switches to it, and re-encrypts its ${isWhole ? `${count(records)} ` : ''}records while applications read and write. The older keys stay, and open what backups hold.`,
    method: 'POST',
    path: '/dek/rotate',
    body: { tenantId: id },
    headers: { 'x-tenantid': id },
    cli: `npx rekey rotate --tenant ${id} --watch`,
    plan: id,
  };
  const active = ladder.find(({ state }) => state === 'active');
  const started = (/** @type {any} */ { rotationId }) => go(`/console/rotations/${rotationId}`);
  return html`
    <${Heading} title="Tenant" lead=${html`${name !== null && html`<span class="name">${name}</span> `}<span class="id">${id}</span>`}>
      <${Actions} of=${active === undefined ? [] : [compromiseOf(active)]} gone="Another key of this tenant is active by now: look which one is meant." onDone=${({ rotation }) => started(rotation)} />
      <${Actions} of=${running === undefined && rotations.data !== null ? [rotate] : []} gone="Meanwhile a rotation of this tenant has begun, and there is one at a time." onDone=${started} />
      ${running !== undefined && html`<span>rotates now: <${RotationLink} id=${running.rotationId} /></span>`}
    </${Heading}>
    <${Trouble} problem=${keys.problem} />
    <${Section} title="Keys" aside=${html`<${AsOf} of=${keys} name="Count again" />`}>
      ${
        keys.data !== null &&
        html`<${Table} caption=${isWhole ? 'Keys, the newest first' : 'A hundred of its keys, by number'} empty="It has no key yet."
        columns=${[{ name: 'No.', number: true }, { name: 'Key' }, { name: 'State' }, { name: 'Age', number: true }, { name: 'Records', number: true }, { name: 'Share', number: true }, { name: 'Seals', number: true }, { name: 'KEK' }]}
        rows=${ladder.map((key) => [
          key.keyNumber,
          html`<${KeyLink} id=${key.keyId} />`,
          html`<${State} of=${key.state} />${key.draining ? ' drains' : ''}`,
          duration(key.ageSeconds * 1_000),
          key.records === null ? '–' : count(key.records),
          key.share === null ? '–' : `${(key.share * 100).toFixed(1)} %`,
          html`<span title=${`of ${count(key.sealsMax)}`}>${count(key.seals)}</span>`,
          html`<span class="kek">${key.kekId ?? '–'}</span>`,
        ])} />
        <p class="pager">${cursor && html`<${Link} href=${`/console/tenants/${id}`}>Oldest keys</${Link}>`}
          ${next !== null && html`<${Link} href=${`/console/tenants/${id}${search({ cursor: next })}`}>Newer keys</${Link}>`}</p>`
      }
    </${Section}>
    <${PolicySection} tenantId=${id} on=${running?.rotationId} />
    <${Section} title="Rotations">
      ${
        rotations.data !== null &&
        html`<${Table} caption="Its latest rotations" empty="It was never rotated."
        columns=${[{ name: 'Rotation' }, { name: 'Status' }, { name: 'Started' }, { name: 'Records', number: true }, { name: 'By' }]}
        rows=${rotations.data.rotations.map((rotation) => [
          html`<${RotationLink} id=${rotation.rotationId} />`,
          html`<${State} of=${rotation.status} />`,
          html`<${When} at=${rotation.startedAt} />`,
          count(total(rotation.itemsToRotate)),
          rotation.initiatedBy.name ?? rotation.initiatedBy.id,
        ])} />`
      }
    </${Section}>`;
}
