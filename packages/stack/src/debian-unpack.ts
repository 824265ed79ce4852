import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { downloadPackages } from './debian-apt.ts';
import { type DebianTool, type DebianToolName, debianTools } from './debian-tools.ts';
import { StackError } from './errors.ts';
import { startKeeper } from './keeper.ts';
import { logTail } from './log-tail.ts';
import type { Log } from './servers.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/rekey/', import.meta.url));

type Names<T, K extends string> = T extends Record<K, infer N> ? Extract<keyof N, string> : never;

export type Tool<N extends DebianToolName = DebianToolName> = {
  /** What to start. */
  programs: Record<Names<(typeof debianTools)[N], 'programs'>, string>;
  /** For the environment of what is to use it. */
  env: Record<Names<(typeof debianTools)[N], 'env'>, string>;
};

type Options = {
  log?: Log;
  maxMegabytes?: number;
  cache?: string;
  /** False: never what is installed on the machine. */
  installed?: boolean;
};

/**
 * A tool of Debian's: the installed one where the table allows it, else unpacked into node_modules/.cache, for which
 * nobody need be root. `maxMegabytes`: what may be downloaded for it at most.
 *
 * @throws StackError TOOL_NOT_FOUND, saying why
 */
export async function debianTool<N extends DebianToolName>(name: N, options: Options = {}): Promise<Tool<N>> {
  const tool: DebianTool = debianTools[name];
  for (const program of tool.needs ?? [])
    if (!(await runs(program))) throw notFound(name, `it needs ${program}, which is not installed`);

  const here = options.installed === false ? undefined : installed(tool);
  const paths = here ?? (await unpacked(name, tool, options));
  return paths as Tool<N>; // the names are those of the table
}

type Paths = { programs: Record<string, string>; env: Record<string, string> };

function installed({ programs, installed: folder }: DebianTool): Paths | undefined {
  if (folder === undefined) return undefined;
  const paths = Object.keys(programs).map((program) => [program, join(folder, program)] as const);
  return paths.every(([, path]) => existsSync(path))
    ? { programs: Object.fromEntries(paths), env: {} }
    : undefined;
}

/** @throws StackError TOOL_NOT_FOUND */
export async function unpacked(name: string, tool: DebianTool, options: Options): Promise<Paths> {
  const { log, maxMegabytes = Number.POSITIVE_INFINITY, cache = CACHE } = options;
  const version = createHash('sha256').update(JSON.stringify(tool)).digest('hex').slice(0, 8);
  const target = join(cache, `${name}-${process.arch}-${version}`);
  if (!existsSync(target)) {
    if (tool.megabytes > maxMegabytes)
      throw notFound(name, `up to ${tool.megabytes} MB, which are downloaded with TEST_TOOLS=all only`);
    log?.(`${name} is not there: unpacking Debian's packages into node_modules/.cache.`);
    await unpack(tool, cache, target).catch((cause) => {
      throw notFound(name, cause instanceof Error ? cause.message : String(cause), cause);
    });
  }
  const programs = Object.keys(tool.programs).map((program) => [program, join(target, 'bin', program)]);
  const env = Object.entries(tool.env ?? {}).map(([key, path]) => [key, inTree(join(target, 'root'), path)]);
  return { programs: Object.fromEntries(programs), env: Object.fromEntries(env) };
}

/** Downloads and unpacks beside `target`, then renames: what is at `target` is always whole, and has been tried. */
async function unpack(tool: DebianTool, cache: string, target: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const keeper = startKeeper({ folder: { prefix: join(cache, 'unpack-'), mode: 0o700 }, output: 'ignore' });
  try {
    const folder = await keeper.folder;
    const log = join(folder, 'log');
    await downloadPackages({ keeper, folder }, tool, join(cache, `index-${tool.from}`)).catch(
      async (cause) => {
        throw new Error(`${(cause as Error).message}\n${await logTail(log)}`, { cause });
      },
    );
    const made = join(folder, 'made');
    await mkdir(join(made, 'root'), { recursive: true });
    for (const name of await packagesToUnpack(tool, join(folder, 'archives'))) {
      const args = ['-x', join(folder, 'archives', name), join(made, 'root')];
      const child = keeper.run({ file: 'dpkg', args, cwd: folder, logFile: log, stopWith: [] });
      if ((await child.exited).code !== 0) throw new Error(`${name} could not be unpacked.`);
    }
    await writeStarters(tool, made);
    for (const path of Object.values(tool.env ?? {})) inTree(join(made, 'root'), path);
    await rename(made, target).catch((error) => {
      if (!existsSync(target)) throw error; // else another process was faster, and its copy is as good
    });
  } finally {
    await keeper.close();
  }
}

/** With the machine's loader, the C library has to be the machine's too. */
async function packagesToUnpack({ loader }: DebianTool, archives: string): Promise<string[]> {
  const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  return loader === 'machine' ? files.filter((name) => !name.startsWith('libc6_')) : files;
}

/**
 * A script per program that starts it with the unpacked libraries: the caller has one path to start, and the variable
 * that names the libraries reaches no program of the machine that it starts in turn, as far as that can be had.
 */
async function writeStarters(
  { loader, programs, libraries: further = [] }: DebianTool,
  made: string,
): Promise<void> {
  const root = join(made, 'root');
  await mkdir(join(made, 'bin'));
  const folders = globSync(['usr/lib/*-linux-gnu*', 'lib/*-linux-gnu*', ...further], { cwd: root });
  const libraries = folders.map((folder) => `$root/${folder}`).join(':');
  for (const [name, pattern] of Object.entries(programs)) {
    const program = relative(root, inTree(root, pattern));
    const start =
      loader === 'machine'
        ? `LD_LIBRARY_PATH="${libraries}" exec "$root/${program}" "$@"`
        : `exec "$root/${loaderIn(root)}" --argv0 "$root/${program}" --library-path "${libraries}" "$root/${program}" "$@"`;
    await writeFile(join(made, 'bin', name), `#!/bin/sh\nroot="\${0%/*}/../root"\n${start}\n`, {
      mode: 0o755,
    });
    await everyLibraryIsThere(
      root,
      program,
      folders.map((folder) => join(root, folder)),
      loader,
    );
  }
}

/** What would fail at the start, or worse in the midst of a test, fails here. */
async function everyLibraryIsThere(
  root: string,
  program: string,
  folders: string[],
  loader: string,
): Promise<void> {
  const libraries = folders.join(':');
  const path = join(root, program);
  const { stdout, stderr } =
    loader === 'machine'
      ? await promisify(execFile)('ldd', [path], {
          env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', LD_LIBRARY_PATH: libraries },
        }).catch((error: { stdout: string; stderr: string }) => {
          // It refuses a static program, which lacks none.
          if (error.stderr.trim() === 'not a dynamic executable') return error;
          throw error;
        })
      : await promisify(execFile)(join(root, loaderIn(root)), ['--library-path', libraries, '--list', path]);
  const missing = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('not found'));
  if (missing.length > 0)
    throw new Error(`${basename(program)} lacks libraries: ${missing.join(', ').trim()}`);
}

function loaderIn(root: string): string {
  return relative(root, inTree(root, 'usr/lib/*-linux-gnu*/ld-linux-*.so.*'));
}

function inTree(root: string, pattern: string): string {
  const [path] = globSync(pattern, { cwd: root });
  if (path === undefined) throw new Error(`${pattern} is not in the packages.`);
  return join(root, path);
}

async function runs(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ['--version']);
    return true;
  } catch {
    return false;
  }
}

function notFound(name: string, why: string, cause?: unknown): StackError {
  return new StackError('TOOL_NOT_FOUND', `${name}: ${why}`, { cause });
}
