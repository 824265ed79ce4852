import type { Route } from '../route.ts';

/** The routes as a table for people. */
export function routeTable(routes: readonly Route[]): string {
  const rows = routes.map(
    ({ method, path, summary, permission }) =>
      `| \`${method} ${path}\` | ${summary}${permission === 'public' ? ' (without a token)' : ''} |`,
  );
  return ['| route | does |', '|---|---|', ...rows].join('\n');
}

/** A page with its table of routes made anew. */
export function withRouteTable(page: string, routes: readonly Route[]): string {
  const table = /^\| route \| does \|\n(\|.*\|\n)+/m;
  if (!table.test(page)) throw new Error('the page has no table of routes');
  return page.replace(table, () => `${routeTable(routes)}\n`);
}
