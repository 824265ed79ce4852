import type { TestEvent } from 'node:test/reporters';
import { failureLine } from './again.ts';
import { endStuckFiles } from './stuck-files.ts';

/** How the reason of a test begins that was skipped for a tool; the tool's name and a colon follow. */
export const MISSING_TOOL = 'missing tool: ';

/** The same for want of a commit that a clone without history does not have; its name and a colon follow. */
export const MISSING_HISTORY = 'missing history: ';

/**
 * A line with the tool's name for each test that was skipped because it is missing; that of a commit has a mark, and so has that of
 * a test that failed. Whoever listens to a run also ends what hangs in it: Node warns of more reporters than two.
 */
// biome-ignore lint/style/noDefaultExport: this is how Node takes a reporter
export default async function* reportMissingTools(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const watch = endStuckFiles();
  for await (const event of events) {
    watch(event);
    const failed = failureLine(event);
    if (failed !== null) yield `${failed}\n`;
    if (event.type === 'test:pass' && typeof event.data.skip === 'string') {
      const [, kind, name] =
        new RegExp(`^(${MISSING_TOOL}|${MISSING_HISTORY})([^:]+)`).exec(event.data.skip) ?? [];
      if (name !== undefined) yield `${kind === MISSING_HISTORY ? kind : ''}${name}\n`;
    }
  }
}

/**
 * The last line of a run, from what the reporter wrote, and how many tools were missing. A clone without history cannot
 * install any, so that its tests are told of and not counted.
 */
export function summaryOf(report: string): { count: number; line: string } {
  const lines = report.split('\n').filter((name) => name !== '');
  const names = lines.filter((name) => !name.startsWith(MISSING_HISTORY));
  const commits = lines
    .filter((name) => name.startsWith(MISSING_HISTORY))
    .map((name) => name.slice(MISSING_HISTORY.length));
  const history = commits.length === 0 ? '' : `; for missing history: ${commits.length}${listed(commits)}`;
  return {
    count: names.length,
    line: `skipped for a missing tool: ${names.length}${listed(names)}${history}`,
  };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (${[...new Set(names)].sort().join(', ')})`;
}
