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
}

/** Debian's, which scrapes every second, for this file. */
export async function startPrometheus(owner: Owner = thisFile): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-prometheus-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const [config, targets] = [join(folder, 'prometheus.yml'), join(folder, 'targets.json')];
  const scrape = (urls: readonly string[]): Promise<void> =>
    writeFile(targets, JSON.stringify([{ targets: urls.map((url) => new URL(url).host) }]));
  await scrape([]);
  await writeFile(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s }
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
  };
}
