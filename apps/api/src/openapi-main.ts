import { writeFile } from 'node:fs/promises';
import { openApi } from './document/openapi.ts';
import { routes } from './routes/index.ts';

/** Writes docs/openapi.json anew; `npm run openapi` brings it into its form. */
const text = JSON.stringify(JSON.parse(openApi(routes)), null, 2);
await writeFile(new URL('../../../docs/openapi.json', import.meta.url), text);
