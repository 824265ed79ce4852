/** `npm run bench`: measures, prints, and writes `bench/results/<name>.json` and plots. See docs/benchmarks.md. */
import { mkdir, writeFile } from 'node:fs/promises';
import { runUntilDone } from '@rekey/stack';
import type { Bench } from './bench.ts';
import { describeMachine, renderMachine } from './machine.ts';
import { type Options, readOptions, usage } from './options.ts';
import { plot } from './plot.ts';
import { openRig } from './rig/rig.ts';
import { allSeries } from './series/index.ts';
import { render, type Table } from './table.ts';

const results = new URL('results/', import.meta.url);

await runUntilDone(async (signal) => {
  const options = optionsOrUsage();
  if (options === null) return 2;
  const begun = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1).padStart(7);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
  const wanted = allSeries.filter(
    ({ name, quick }) => options.only?.includes(name) ?? (quick || !options.quick),
  );
  const { DATABASE_URL, REDIS_URL } = process.env;
  const rig = await openRig({ DATABASE_URL, REDIS_URL }, signal);
  try {
    const machine = await describeMachine(rig.adminUrl, rig.redisUrl);
    process.stdout.write(`${renderMachine(machine)}\n`);
    const bench: Bench = { rig, parameters: options.parameters, quick: options.quick, say };
    const tables: Table[] = [];
    for (const series of wanted) {
      signal.throwIfAborted();
      say(series.name);
      const table = await series.run(bench);
      process.stdout.write(`${render(table)}\n`);
      tables.push(table);
      await save(options, { machine, parameters: options.parameters, tables });
    }
    return 0;
  } finally {
    await rig.close();
  }
});

function optionsOrUsage(): Options | null {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(
      `${error.message}\n${usage}\nSeries: ${allSeries.map(({ name }) => name).join(', ')}\n`,
    );
    return null;
  }
}

/** After every series, so that a run that is stopped leaves what it has measured. */
async function save(
  { name }: Options,
  result: { readonly machine: object; readonly parameters: object; readonly tables: readonly Table[] },
): Promise<void> {
  await mkdir(results, { recursive: true });
  await writeFile(new URL(`${name}.json`, results), `${JSON.stringify(result, undefined, 2)}\n`);
  for (const table of result.tables) {
    const svg = plot(table);
    if (svg !== null) await writeFile(new URL(`${name}-${table.name}.svg`, results), svg);
  }
}
