import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { StackError } from './errors.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import type { Log } from './servers.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/rekey/', import.meta.url));
/** What redis-server needs beyond a minimal Debian 12, should apt not be able to tell. */
const DEBIAN_PACKAGES = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2', 'libatomic1'];
const DOWNLOAD_ATTEMPTS = 3;

export type RedisProgram = { file: string; env?: Record<string, string> };

/**
 * A redis-server that runs: the PATH's (or its valkey-server), else Debian's package, unpacked into node_modules/.cache
 * without installing it (an installation would also start a system service).
 *
 * @throws StackError REDIS_NOT_FOUND, saying what to install
 */
export async function findRedis(log?: Log): Promise<RedisProgram> {
  for (const file of ['redis-server', 'valkey-server']) if (await runs({ file })) return { file };

  const unpacked = join(CACHE, `redis-${process.arch}`);
  if (!existsSync(unpacked)) {
    log?.('redis-server is not installed: unpacking the one of the Debian package into node_modules/.cache.');
    await unpackRedis(unpacked).catch((cause) => {
      throw notFound(cause);
    });
  }
  const program = programIn(unpacked);
  if (!(await runs(program))) throw notFound();
  return program;
}

async function runs({ file, env }: RedisProgram): Promise<boolean> {
  try {
    await promisify(execFile)(file, ['--version'], env === undefined ? {} : { env });
    return true;
  } catch {
    return false;
  }
}

function programIn(root: string): RedisProgram {
  const libraries = globSync(['usr/lib/*-linux-gnu*', 'lib/*-linux-gnu*'], { cwd: root });
  return {
    file: join(root, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: libraries.map((folder) => join(root, folder)).join(':') },
  };
}

/** Downloads and unpacks beside `target`, then renames: what is at `target` is always whole. */
async function unpackRedis(target: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const keeper = startKeeper({ folder: { prefix: join(CACHE, 'unpack-'), mode: 0o700 }, output: 'ignore' });
  try {
    const folder = await keeper.folder;
    const root = join(folder, 'root');
    await mkdir(root);
    await download(keeper, folder);
    for (const name of await readdir(folder))
      if (name.endsWith('.deb') && !(await execute(keeper, folder, 'dpkg', ['-x', name, root])))
        throw new Error(`${name} could not be unpacked.`);
    await rename(root, target).catch((error) => {
      if (!existsSync(target)) throw error; // else another process was faster, and its copy is as good
    });
  } finally {
    await keeper.close();
  }
}

async function download(keeper: Keeper, folder: string): Promise<void> {
  for (let attempt = 1; attempt <= DOWNLOAD_ATTEMPTS; attempt++) {
    if (await execute(keeper, folder, 'apt-get', [...APT, 'download', ...(await packages())])) return;
    if (process.getuid?.() !== 0) break;
    // No package lists (a fresh container has none), or they are out of date. Another process may hold their lock.
    if (!(await execute(keeper, folder, 'apt-get', [...APT, 'update']))) await sleep(3_000);
  }
  throw new Error('apt-get could not download redis-server.');
}

/** apt's unprivileged download user could not write into our folder. */
const APT = ['--quiet', '-o', 'APT::Sandbox::User=root'];

/** What apt would install on this machine, without the C library, which must stay the one that is loaded. */
async function packages(): Promise<string[]> {
  const simulation = ['--simulate', '--no-install-recommends', 'install', 'redis-server'];
  const { stdout } = await promisify(execFile)('apt-get', simulation).catch(() => ({ stdout: '' }));
  const names = Array.from(stdout.matchAll(/^Inst (\S+)/gm), (match) => match[1] ?? '');
  return names.length === 0 ? DEBIAN_PACKAGES : names.filter((name) => name !== 'libc6');
}

async function execute(keeper: Keeper, cwd: string, file: string, args: string[]): Promise<boolean> {
  const child = keeper.run({ file, args, cwd, logFile: join(cwd, 'log'), stopWith: [] });
  return (await child.exited).code === 0;
}

function notFound(cause?: unknown): StackError {
  return new StackError(
    'REDIS_NOT_FOUND',
    'Redis was not found: install it with `sudo apt-get install redis-server` (or valkey-server), or set REDIS_URL.',
    { cause },
  );
}
