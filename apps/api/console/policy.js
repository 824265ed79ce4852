import { ago, count, counted, duration, time } from './format.js';
import { useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Facts, Section, State, Table, Trouble } from './parts.js';
import { PolicyButton } from './policy-form.js';
import { nameOf, policyFields, says } from './policy-words.js';

/** @param {any} policy as it is told of a tenant @param {string} name */
function whose({ policy, effective, bounds }, name) {
  if (!(name in policy)) return 'the default’s';
  if (JSON.stringify(policy[name]) === JSON.stringify(effective[name])) return 'its own';
  const isBound = name === 'destroyAfterDays' || Object.keys(bounds).some((one) => one.startsWith(name));
  return `its own, ${says(name, policy[name])}${isBound ? ', brought within the bounds of the default' : ''}`;
}

const levels = {
  fresh: 'Its active key is not due.',
  due: 'Its active key is due: a worker begins its rotation within the hours of the policy.',
  overdue: 'Its active key is overdue: its rotation should have begun by now.',
  orphaned:
    'Somebody has to look: rotations keep ending without a switch, or records are left on an older key.',
};

/** @param {{standing: any}} props */
function Standing({ standing }) {
  if (standing === null)
    return html`<p class="note">Nothing says when its key is to be rotated, or it has none.</p>`;
  const { level, dueAt, overdueAt, tries, triedAt } = standing;
  const when = (/** @type {string} */ at) =>
    `${time(at)} (${Date.parse(at) > Date.now() ? `in ${duration(Date.parse(at) - Date.now())}` : ago(at)})`;
  return html`<p class="standing"><${State} of=${level} /> ${/** @type {any} */ (levels)[level]}</p>
    <${Facts} facts=${[
      ['Due from', dueAt === null ? null : when(dueAt)],
      ['Overdue from', overdueAt === null ? null : when(overdueAt)],
      ['Tries without a switch', tries === 0 ? null : `${count(tries)}, the last ${ago(triedAt)}`],
    ]} />`;
}

const days = (/** @type {number} */ seconds) => counted(Math.round(seconds / 86_400), 'day');

/** What a policy does not loosen. @param {{protection: any}} props */
export const Protection = ({ protection }) =>
  html`<p class="note">Whatever a policy says, a key is destroyed ${days(protection.destructionGraceSeconds)} after that was asked for at the earliest,
    unused for ${days(protection.destructionUnusedSeconds)}, ${protection.backupHorizonSeconds === null ? 'and, as nobody has said how long backups are kept, not at all' : `and needed by no backup of the last ${days(protection.backupHorizonSeconds)}`}${protection.destructionApprovals === 0 ? '' : `, with the approval of ${count(protection.destructionApprovals)}`}.</p>`;

/** A tenant's policy: what holds, by whose word, and how its key stands by it. @param {{tenantId: string, on: unknown}} props */
export function PolicySection({ tenantId, on }) {
  const { may } = useSession();
  const path = `/tenants/${encodeURIComponent(tenantId)}/policy`;
  const policy = useRead(may.includes('getTenantPolicy') ? path : null, 30_000, on);
  const { data, problem } = policy;
  if (data === null)
    return problem === null
      ? null
      : html`<${Section} title="Policy"><${Trouble} problem=${problem} /></${Section}>`;
  const aside = html`<${PolicyButton} tenantId=${tenantId} path=${path} data=${data} onDone=${policy.again} />`;
  return html`<${Section} title="Policy" aside=${aside}>
    <${Trouble} problem=${problem} />
    <${Standing} standing=${data.standing} />
    <${Table} caption="What its policy asks for" empty="" columns=${[{ name: 'What' }, { name: 'Holds' }, { name: 'By whose word' }]}
      rows=${policyFields.map((name) => [nameOf(name), says(name, data.effective[name]), whose(data, name)])} />
    <p class="note">${data.version === 0 ? 'Nobody has put one of its own.' : `Its own is version ${data.version}, put ${time(data.putAt)}.`}
      ${' '}The default is version ${data.defaultVersion}.</p>
    <${Protection} protection=${data.protection} />
  </${Section}>`;
}
