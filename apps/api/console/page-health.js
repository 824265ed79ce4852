import { ago, count, counted } from './format.js';
import { useRead } from './hooks-of-ours.js';
import { html } from './html.js';
import { Heading, Section, State, Table, Trouble } from './parts.js';

const p99 = (/** @type {any} */ one) => (one === undefined ? '–' : `${one.p99} ms`);

/** Who does the work, and with which KEKs. */
export function HealthPage() {
  const processes = useRead('/workers?limit=100', 5_000);
  const keks = useRead('/keks', 10_000);
  const all = processes.data?.processes ?? [];
  const live = (/** @type {string} */ kind) =>
    all.filter((one) => one.kind === kind && one.state === 'live').length;
  const silent = all.filter(({ state }) => state === 'silent').length;
  return html`
    <${Heading} title="Health" lead=${processes.data !== null && `${counted(live('worker'), 'worker')} and ${counted(live('vault'), 'vault')} live, ${silent === 0 ? 'none' : count(silent)} silent.`} />
    <${Trouble} problem=${processes.problem} />
    <${Section} title="Workers and vaults">${
      processes.data !== null &&
      html`<${Table} caption="Processes" empty="No process has reported here."
      columns=${[{ name: 'Kind' }, { name: 'State' }, { name: 'Host' }, { name: 'Version' }, { name: 'Heartbeat' }, { name: 'Keys', number: true }, { name: 'Open p99', number: true }, { name: 'Seal p99', number: true }]}
      rows=${all.map((one) => [one.kind, html`<${State} of=${one.state} />`, one.host, one.version, ago(one.heartbeatAt), count(one.keys), p99(one.latencies.open), p99(one.latencies.seal ?? one.latencies.reencrypt)])} />`
    }</${Section}>
    <${Section} title="Key encryption keys">${
      keks.data !== null &&
      html`<${Table} caption="KEKs" empty="No key is stored yet."
      columns=${[{ name: 'KEK' }, { name: 'Provider' }, { name: 'Workers', number: true }, { name: 'Vaults', number: true }, { name: 'Active keys', number: true }]}
      rows=${keks.data.keks.map((kek) => [html`<span class="kek" title=${kek.kekId}>${kek.name ?? kek.kekId}</span>`, kek.provider, count(kek.workers), count(kek.vaults), count(kek.keys.active)])} />`
    }</${Section}>
    <p class="note">Queue, database and connections: <a href="/readyz">/readyz</a> and the metrics of each process.</p>`;
}
