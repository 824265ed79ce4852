import { readFile, writeFile } from 'node:fs/promises';
import { openApi } from './document/openapi.ts';
import { withTables } from './document/route-table.ts';
import { routes } from './routes/index.ts';

/** Writes docs/openapi.json and the table of docs/http.md anew; `npm run openapi` does the rest. */
const docs = new URL('../../../docs/', import.meta.url);
await writeFile(new URL('openapi.json', docs), JSON.stringify(JSON.parse(openApi(routes)), null, 2));
const page = new URL('http.md', docs);
await writeFile(page, withTables(await readFile(page, 'utf8'), routes));
