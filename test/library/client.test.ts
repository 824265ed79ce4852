import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { emptyTenant, liveApi, token } from '../api/live-api.ts';
import { olderNode } from '../harness/older-node.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rekey-client-'));
after(() => rm(folder, { recursive: true, force: true }));
const api = await liveApi();

/** An application of somebody else's, which has the tarball and nothing else. */
const application = `
import { ClientError, createClient, type Rotation, type Told } from '@rekey/client';
declare const process: { env: Record<string, string> };
declare const console: { log(text: string): void };
const { API = '', TOKEN = '', TENANT = '' } = process.env;
const client = createClient({ url: API, token: TOKEN });
const { rotationId } = await client.rotate(TENANT, { reason: 'yearly' });
const met = await client.rotate(TENANT).catch((error: unknown) => error);
if (!(met instanceof ClientError) || met.code !== 'ROTATION_IN_PROGRESS') throw met;
const kinds = new Set<Told['kind']>();
for await (const told of client.follow(rotationId)) {
  kinds.add(told.kind);
  if (told.kind === 'snapshot') await client.cancelRotation({ path: { rotationId } });
}
const ended: Rotation = await client.waitFor(rotationId);
// @ts-expect-error: what is not an operation is no function of it
const unknown: unknown = client.rotateEverything;
console.log([met.rotationId === rotationId, ended.status, kinds.has('snapshot'), typeof unknown].join(' '));
`;

const { stdout } = await run(process.execPath, [join(root, 'packages/client/pack/main.ts'), folder]);
await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', stdout.trim()], {
  cwd: folder,
});
await writeFile(join(folder, 'application.ts'), application);
const packed = join(folder, 'node_modules/@rekey/client');

test('the tarball depends on nothing, imports nothing but its own files, and names nothing of Node', async () => {
  const manifest = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8'));
  assert.deepEqual(
    [manifest.dependencies, manifest.type, manifest.engines],
    [undefined, 'module', { node: '>=22' }],
  );
  const files = (await readdir(join(packed, 'esm'), { recursive: true })).filter((name) =>
    /\.(js|ts)$/.test(name),
  );
  assert.ok(files.some((name) => name.endsWith('.js')) && files.every((name) => /\.(js|d\.ts)$/.test(name)));
  for (const file of files) {
    const text = await readFile(join(packed, 'esm', file), 'utf8');
    for (const [, from = ''] of text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g))
      assert.match(from, /^\.\.?\/.*\.(js|ts)$/, `${file} imports ${from}`);
    assert.doesNotMatch(text, /\b(process|Buffer|require|globalThis\.process)\b[.(]/, file);
  }
  assert.match(await readFile(join(packed, 'README.md'), 'utf8'), /^# @rekey\/client\n/);
});

test('an application compiles strictly against it, for a browser, and rotates with it on each Node', async () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    '',
  ];
  const lib = ['--lib', 'es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable'];
  const said = await run(process.execPath, [tsc, ...options, ...lib, 'application.ts'], {
    cwd: folder,
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
  assert.equal(said.stdout, '');
  const older = await olderNode(22);
  const nodes = older.skip === false ? [older.file, process.execPath] : [process.execPath];
  for (const node of nodes) {
    const env = { API: api.url, TOKEN: token(), TENANT: await emptyTenant(api.database) };
    const told = await run(node, ['application.js'], { cwd: folder, env, timeout: 60_000 });
    assert.equal(told.stdout, 'true cancelled true undefined\n', node);
  }
});
