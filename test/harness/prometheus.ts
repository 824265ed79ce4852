import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { tool } from './tool.ts';
import { until } from './wait.ts';

const prometheus = await tool('prometheus');

/** For the options of a test that asks Prometheus. */
export const skipWithoutPrometheus = prometheus.skip;

export interface Prometheus {
  /** What a query that answers one number answers now; undefined: nothing does. */
  ask(query: string): Promise<number | undefined>;
  /** Scrapes these addresses of `/metrics`, instead of those before. */
  scrape(urls: readonly string[]): Promise<void>;
  /** The names of the alerts that are raised now; fails where a rule could not be evaluated. */
  raised(): Promise<string[]>;
}

/** Debian's, which scrapes every second, and looks at these rules as often, for this file. */
export async function startPrometheus(
  owner: Owner = thisFile,
  { rules }: { rules?: object } = {},
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-prometheus-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const [config, targets] = [join(folder, 'prometheus.yml'), join(folder, 'targets.json')];
  const scrape = (urls: readonly string[]): Promise<void> =>
    writeFile(targets, JSON.stringify([{ targets: urls.map((url) => new URL(url).host) }]));
  await scrape([]);
  // JSON is YAML.
  if (rules !== undefined) await writeFile(join(folder, 'rules.yml'), JSON.stringify(rules));
  await writeFile(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
${rules === undefined ? '' : "rule_files: ['rules.yml']"}
scrape_configs: [{ job_name: rekey, file_sd_configs: [{ files: ['${targets}'] }] }]\n`,
  );
  const port = await freePort();
  const keeper = startKeeper({ output: 'ignore' });
  owner.after(() => keeper.close([{ signal: 'SIGTERM', waitMs: 5_000 }]));
  keeper.run({
    file: prometheus.programs.prometheus,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', HOME: folder, ...prometheus.env },
    stopWith: [{ signal: 'SIGTERM', waitMs: 5_000 }],
  });
  const url = `http://127.0.0.1:${port}`;
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, { what: 'Prometheus is ready', timeoutMs: 60_000 });
  return {
    async ask(query) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
      // The parsed edge: an instant vector, or why not.
      const { status, data } = (await answer.json()) as {
        status: string;
        data: { result: { value: [number, string] }[] };
      };
      if (status !== 'success') throw new Error(`${query}: ${status}`);
      const [one] = data.result;
      return one === undefined ? undefined : Number(one.value[1]);
    },
    scrape,
    async raised() {
      const answer = await fetch(`${url}/api/v1/rules`);
      const { data } = (await answer.json()) as {
        data: { groups: { rules: { name: string; state: string; lastError?: string }[] }[] };
      };
      const all = data.groups.flatMap((group) => group.rules);
      const broken = all.find(({ lastError }) => lastError !== undefined && lastError !== '');
      if (broken !== undefined) throw new Error(`${broken.name}: ${broken.lastError}`);
      return all.filter(({ state }) => state === 'firing').map(({ name }) => name);
    },
  };
}
