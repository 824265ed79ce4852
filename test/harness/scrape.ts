import type { RunningProcess } from '@rekey/stack';
import { until } from './wait.ts';

/** The value of each sample, under its name and labels as they are written. */
export type Figures = ReadonlyMap<string, number>;

/** Where a process said that it serves metrics. */
export function metricsUrl(of: RunningProcess): Promise<string> {
  return until(() => /"url":"([^"]*\/metrics)"/.exec(of.logs())?.[1], {
    what: `${of.name} says where its metrics are`,
  });
}

export async function textOf(url: string): Promise<string> {
  const answer = await fetch(url);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}

export async function scrape(url: string): Promise<Figures> {
  const lines = (await textOf(url)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
