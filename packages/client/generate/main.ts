import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { operationFiles } from './operation-files.ts';

/** Writes the client's operations anew from docs/openapi.json. */
const folder = new URL('../src/operations/', import.meta.url);
const document = await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
const files = operationFiles(JSON.parse(document));
await rm(folder, { recursive: true, force: true });
await mkdir(folder);
for (const [name, text] of files) await writeFile(new URL(name, folder), text);
