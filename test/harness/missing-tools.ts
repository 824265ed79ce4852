import type { TestEvent } from 'node:test/reporters';

/** How the reason of a test begins that was skipped for a tool; the tool's name and a colon follow. */
export const MISSING_TOOL = 'missing tool: ';

/** A line with the tool's name for each test that was skipped because it is missing. */
// biome-ignore lint/style/noDefaultExport: this is how Node takes a reporter
export default async function* reportMissingTools(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events)
    if (event.type === 'test:pass' && typeof event.data.skip === 'string') {
      const [, name] = new RegExp(`^${MISSING_TOOL}([^:]+)`).exec(event.data.skip) ?? [];
      if (name !== undefined) yield `${name}\n`;
    }
}

/** The last line of a run, from what the reporter wrote. */
export function summaryOf(report: string): { count: number; line: string } {
  const names = report.split('\n').filter((name) => name !== '');
  const tools = names.length === 0 ? '' : ` (${[...new Set(names)].sort().join(', ')})`;
  return { count: names.length, line: `skipped for a missing tool: ${names.length}${tools}` };
}
