import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { liveApi, token } from '../api/live-api.ts';
import { document } from '../harness/documented.ts';
import { packagesOfOthers } from '../harness/packages-of-others.ts';
import { application, type Paths, redocly, spectral } from './programs.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const published = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));

const skip = await packagesOfOthers(here, { name: 'openapi tools', megabytes: 120 });
const evaluate = async (program: string): Promise<unknown> => {
  const args = ['--input-type=module', '--eval', program, '--', published];
  return JSON.parse((await run(process.execPath, args, { cwd: here, maxBuffer: 2 ** 26 })).stdout);
};

test('Redocly finds nothing in the document, by its strict rules', { skip }, async () => {
  assert.deepEqual(await evaluate(redocly), []);
});

test('Spectral finds nothing in it, and a description of everything', { skip }, async () => {
  assert.deepEqual(await evaluate(spectral), []);
});

test('a client made by openapi-typescript compiles, and calls every operation', { skip }, async () => {
  // Here, so that what it imports is found.
  const folder = await mkdtemp(join(here, '.client-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const bin = (path: string): string => join(here, 'node_modules', path);
  await run(process.execPath, [
    bin('openapi-typescript/bin/cli.js'),
    published,
    '-o',
    join(folder, 'api.ts'),
  ]);
  await writeFile(join(folder, 'application.ts'), application(document.paths as Paths));
  const options = [
    '--strict',
    '--noEmit',
    '--allowImportingTsExtensions',
    '--target',
    'es2022',
    '--module',
    'nodenext',
  ];
  const args = [
    ...options,
    '--lib',
    'es2022,dom,dom.iterable',
    // None of what stands in the folders above.
    '--typeRoots',
    folder,
    join(folder, 'application.ts'),
  ];
  const said = await run(process.execPath, [bin('typescript/bin/tsc'), ...args], { cwd: here }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  assert.equal(said.stdout, '');

  const api = await liveApi();
  const env: Record<string, string> = { API: api.url, TOKEN: token() };
  const { stdout } = await run(process.execPath, [join(folder, 'application.ts')], { env, timeout: 120_000 });
  const told = stdout.trim().split('\n');
  const operations = Object.values(document.paths).flatMap((ofPath) => Object.values(ofPath));
  assert.deepEqual(
    told.map((line) => line.split(' ')[0]),
    operations.map(({ operationId }) => operationId),
  );
  for (const [index, { responses }] of operations.entries())
    assert.ok(Object.hasOwn(responses, told[index]?.split(' ')[1] ?? ''), told[index] ?? '');
});
