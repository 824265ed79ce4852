import { ActionButton } from './action.js';
import { count, duration, time, total } from './format.js';
import { go, useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import { Heading, KeyLink, RotationLink, Section, State, Table, Trouble } from './parts.js';

/** One tenant: its keys as a ladder, its rotations, and the next one. */
export function TenantPage({ id }) {
  const keys = useRead(`/keys?tenantId=${encodeURIComponent(id)}&limit=100`, 10_000);
  const rotations = useRead(`/dek/rotations?tenantId=${encodeURIComponent(id)}&limit=10`, 5_000);
  const ladder = [...(keys.data?.keys ?? [])].sort((a, b) => b.keyNumber - a.keyNumber);
  const running = (rotations.data?.rotations ?? []).find(({ completedAt }) => completedAt === null);
  const records = ladder.reduce((sum, key) => sum + (key.records ?? 0), 0);
  const rotate = {
    operationId: 'rotateDek',
    name: 'Rotate',
    effect: `Makes a new key for this tenant, switches to it, and re-encrypts its ${count(records)} records while applications read and write. The older keys stay, and open what backups hold.`,
    method: 'POST',
    path: '/dek/rotate',
    body: { tenantId: id },
    headers: { 'x-tenantid': id },
    cli: `npx rekey rotate --tenant ${id} --watch`,
  };
  const started = (/** @type {any} */ { rotationId }) => go(`/console/rotations/${rotationId}`);
  return html`
    <${Heading} title="Tenant" lead=${html`<span class="id">${id}</span>`}>
      ${
        running === undefined
          ? rotations.data !== null && html`<${ActionButton} action=${rotate} onDone=${started} />`
          : html`<span>rotates now: <${RotationLink} id=${running.rotationId} /></span>`
      }
    </${Heading}>
    <${Trouble} problem=${keys.problem} />
    <${Section} title="Keys">
      ${
        keys.data !== null &&
        html`<${Table} caption="Keys, the newest first" empty="It has no key yet."
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
        ])} />`
      }
    </${Section}>
    <${Section} title="Rotations">
      ${
        rotations.data !== null &&
        html`<${Table} caption="Its latest rotations" empty="It was never rotated."
        columns=${[{ name: 'Rotation' }, { name: 'Status' }, { name: 'Started' }, { name: 'Records', number: true }, { name: 'By' }]}
        rows=${rotations.data.rotations.map((rotation) => [
          html`<${RotationLink} id=${rotation.rotationId} />`,
          html`<${State} of=${rotation.status} />`,
          time(rotation.startedAt),
          count(total(rotation.itemsToRotate)),
          rotation.initiatedBy.name ?? rotation.initiatedBy.id,
        ])} />`
      }
    </${Section}>`;
}
