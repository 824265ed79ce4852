import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type DebianTool, debianTools } from '../../packages/stack/src/debian-tools.ts';
import { debianTool, unpacked } from '../../packages/stack/src/debian-unpack.ts';
import { type Owner, thisFile } from '../harness/cleanup.ts';
import { tool } from '../harness/tool.ts';

const run = promisify(execFile);

/** Empty at first: not the one of the clone. */
const cache = await folder(thisFile);
const bouncer = await tool('pgbouncer');
const postgres15 = await tool('postgres-15');
const faketime = await tool('libfaketime');
const redis = await tool('redis');
const spin = await tool('spin');

test('PgBouncer runs', { skip: bouncer.skip }, async () => {
  const { stdout } = await run(bouncer.programs.pgbouncer, ['--version']);
  assert.match(stdout, /^PgBouncer 1\.\d+/);
});

test('Spin runs', { skip: spin.skip }, async () => {
  assert.match((await run(spin.programs.spin, ['-V'])).stdout, /^Spin Version 6/);
});

test('redis-server runs', { skip: redis.skip }, async () => {
  assert.match((await run(redis.programs['redis-server'], ['--version'])).stdout, /v=\d/);
});

test("Debian's Postgres 15 runs", { skip: postgres15.skip }, async () => {
  for (const program of ['postgres', 'pg_dump', 'psql', 'pg_ctl', 'initdb', 'pg_restore'] as const)
    assert.match((await run(postgres15.programs[program], ['--version'])).stdout, /PostgreSQL\) 15\./);
});

test('a process of ours lives in another year under libfaketime', { skip: faketime.skip }, async () => {
  const env = { ...faketime.env, FAKETIME: '@2001-02-03 04:05:06', TZ: 'UTC' };
  const { stdout } = await run(process.execPath, ['-p', 'new Date().getFullYear()'], { env });
  assert.equal(stdout.trim(), '2001');
});

test('two processes at once both get a whole tool, and nothing else stays behind', {
  skip: spin.skip,
}, async () => {
  const before = await machineFolders();
  const both = await Promise.all([1, 2].map(() => debianTool('spin', { cache })));
  for (const { programs } of both) assert.match((await run(programs.spin, ['-V'])).stdout, /^Spin Version/);
  const left = (await readdir(cache)).map((name) => name.replace(/-[0-9a-f]{8}$/, ''));
  assert.deepEqual(left.sort(), ['index-trixie', `spin-${process.arch}`]);
  assert.deepEqual(await machineFolders(), before, "apt's own folders are as they were");
});

test('package lists that are out of date are made anew', { skip: spin.skip }, async () => {
  await debianTool('spin', { cache });
  for (const name of await readdir(cache))
    if (name.startsWith('spin-')) await rm(join(cache, name), { recursive: true });
  const sources = join(cache, 'index-trixie/sources.list');
  const right = await readFile(sources, 'utf8');
  await writeFile(sources, right.replace(/http\S+/, 'http://127.0.0.1:9/gone'));

  const { programs } = await debianTool('spin', { cache });
  await run(programs.spin, ['-V']);
  assert.equal(await readFile(sources, 'utf8'), right);
});

test('an unpacked tool works from another place', { skip: bouncer.skip }, async (t) => {
  const copy = join(await folder(t), 'elsewhere');
  await cp(join(bouncer.programs.pgbouncer, '../..'), copy, { recursive: true, verbatimSymlinks: true });
  assert.match((await run(join(copy, 'bin/pgbouncer'), ['--version'])).stdout, /^PgBouncer/);
});

test('a large tool is not downloaded unasked, and its absence has a name', async (t) => {
  const [name] = Object.entries(debianTools).find(([, { megabytes }]) => megabytes > 60) ?? [];
  assert.equal(name, 'postgres-15');
  const empty = await folder(t);
  const missing = await tool('postgres-15', { all: false, cache: empty, installed: false });
  assert.match(String(missing.skip), /^missing tool: postgres-15: up to \d+ MB, .*TEST_TOOLS=all/);
  assert.throws(() => missing.programs.postgres, /missing tool: postgres-15/);
  assert.throws(() => missing.env, /missing tool: postgres-15/);
  assert.deepEqual(await readdir(empty), []);
});

for (const [what, changes, why] of [
  [
    'a package that Debian does not have',
    { packages: ['rekey-no-such-package'] },
    /Unable to locate package/,
  ],
  [
    'a program that the packages lack',
    { programs: { spin: 'usr/bin/nothing' } },
    /usr\/bin\/nothing is not in/,
  ],
  [
    'a variable for a file that they lack',
    { env: { LD_PRELOAD: 'usr/lib/*.so' } },
    /usr\/lib\/\*\.so is not in/,
  ],
] satisfies [string, Partial<DebianTool>, RegExp][])
  test(`${what} is told, and leaves no tool behind`, { skip: spin.skip }, async () => {
    const wrong = unpacked('wrong', { ...debianTools.spin, ...changes }, { cache });
    await assert.rejects(wrong, { code: 'TOOL_NOT_FOUND', message: why });
    assert.deepEqual(
      (await readdir(cache)).filter((name) => /^(wrong|unpack)-/.test(name)),
      [],
    );
  });

test('a program that the machine lacks is told by name', async (t) => {
  const { PATH } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = await folder(t);
  assert.match(String((await tool('spin')).skip), /^missing tool: spin: it needs cc/);
});

async function folder(owner: Owner): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'rekey-test-tools-'));
  owner.after(() => rm(made, { recursive: true }));
  return made;
}

/** When something in the machine's own folders of apt was last added or removed. */
async function machineFolders(): Promise<number[]> {
  const folders = ['/etc/apt', '/var/lib/apt', '/var/lib/apt/lists', '/var/cache/apt', '/var/lib/dpkg'];
  return Promise.all(folders.map(async (path) => (await stat(path)).mtimeMs));
}
