import { type ErrorCode, errorRemedies, errorTable } from '@rekey/contract';
import type { Route } from '../route.ts';

/** The routes as a table for people. */
export function routeTable(routes: readonly Route[]): string {
  const rows = routes.map(
    ({ method, path, summary, permission }) =>
      `| \`${method} ${path}\` | ${summary}${permission === 'public' ? ' (without a token)' : ''} |`,
  );
  return ['| route | does |', '|---|---|', ...rows].join('\n');
}

/** What to do about each error, as a table for people. */
export function remedyTable(): string {
  const rows = (Object.keys(errorTable) as ErrorCode[]).map(
    (code) => `| \`${code}\` | ${errorTable[code].status} | ${errorRemedies[code]} |`,
  );
  return ['| code | status | what to do |', '|---|---|---|', ...rows].join('\n');
}

/** A page with its tables of routes and errors made anew. */
export function withTables(page: string, routes: readonly Route[]): string {
  const tables = [
    { table: /^\| route \| does \|\n(\|.*\|\n)+/m, text: routeTable(routes) },
    { table: /^\| code \| status \| what to do \|\n(\|.*\|\n)+/m, text: remedyTable() },
  ];
  return tables.reduce((text, { table, text: made }) => {
    if (!table.test(text)) throw new Error('the page lacks a table');
    return text.replace(table, () => `${made}\n`);
  }, page);
}
