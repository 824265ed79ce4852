import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLocalKeyFile } from '@rekey/kms';
import { createTestDatabase } from '../harness/database.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

let folder = '';
let example = '';

/** Inside the clone, so that the packages are found; with a dot, so that no other tool looks into it. */
before(async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const [, code] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
  assert.ok(code !== undefined, 'README.md has a block of TypeScript');
  assert.equal(await readFile(join(root, 'examples/vault.ts'), 'utf8'), code);
  folder = await mkdtemp(join(root, 'test/docs/.readme-'));
  example = join(folder, 'example.ts');
  await writeFile(example, code);
});

after(() => rm(folder, { recursive: true, force: true }));

test("the README's example of the vault type-checks under our own compiler settings", async () => {
  const settings = { extends: '../../../tsconfig.json', files: ['example.ts'], include: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [tsc, '--project', folder]).catch(
    (error: { stdout?: string }) => ({
      stdout: error.stdout ?? String(error),
    }),
  );
  assert.equal(said.stdout, '');
});

test("the README's example of the vault runs, and gets what it put", async () => {
  const database = await createTestDatabase();
  const keyFile = join(folder, 'kek');
  await createLocalKeyFile(keyFile);
  const env = { ...process.env, DATABASE_URL: database.url, KEK_URI: `local:${keyFile}` };
  const { stdout, stderr } = await run(process.execPath, [example], { env, timeout: 30_000 });
  assert.equal(stdout, 'correct horse\n1 correct horse\ntrue\n');
  assert.equal(stderr, '');
});
