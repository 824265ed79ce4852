import { writeFile } from 'node:fs/promises';
import { openApiDocument } from './openapi-document.ts';

/** Writes docs/openapi.json anew: `node apps/api/src/openapi-main.ts && npm run format`. */
await writeFile(new URL('../../../docs/openapi.json', import.meta.url), await openApiDocument());
