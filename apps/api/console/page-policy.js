import { time } from './format.js';
import { useRead, useSession } from './hooks-of-ours.js';
import { html } from './html.js';
import { Heading, Table, Trouble } from './parts.js';
import { Protection } from './policy.js';
import { PolicyButton } from './policy-form.js';
import { nameOf, policyWords, says } from './policy-words.js';

const path = '/policies/default';

/** The default policy: what holds for every tenant that does not say otherwise. */
export function PolicyPage() {
  const { mayForAll } = useSession();
  const policy = useRead(mayForAll.includes('getDefaultPolicy') ? path : null, 30_000);
  const { data, problem } = policy;
  if (!mayForAll.includes('getDefaultPolicy'))
    return html`<${Heading} title="Default policy" lead="It is for those who act on the whole installation. What holds for a tenant stands on the tenant’s page." />`;
  // What holds of a field that nobody has said stands in `effective`; bounds and how many at once are said or not.
  const holds = (/** @type {string} */ name) => data.effective[name] ?? data.policy[name] ?? null;
  return html`
    <${Heading} title="Default policy" lead="It holds for every tenant whose own policy does not say otherwise.">
      ${data !== null && html`<${PolicyButton} tenantId=${null} path=${path} data=${data} onDone=${policy.again} />`}
    </${Heading}>
    <${Trouble} problem=${problem} />
    ${
      data !== null &&
      html`<${Table} caption="What the default policy asks for" empty="" columns=${[{ name: 'What' }, { name: 'Says' }]}
      rows=${Object.keys(policyWords).map((name) => [nameOf(name), says(name, holds(name))])} />
    <p class="note">${data.version === 0 ? 'Nobody has put one: nothing is done by itself.' : `Version ${data.version}, put ${time(data.putAt)}.`}</p>
    <${Protection} protection=${data.protection} />`
    }`;
}
