import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Store } from '@rekey/db';
import type { Vault } from '@rekey/vault';
import { thisFile } from './cleanup.ts';
import { MISSING_HISTORY, MISSING_TOOL } from './missing-tools.ts';
import { patient } from './patient.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The commit whose processes work beside this version's: the last one before tickets and snapshots carried a version. To be
 * set to the commit of each release, once it is out; a contract that breaks with it is a breaking migration.
 */
const commit = 'bc3d422d0c9caf68001711f70a0c01c40fce3d84';

/** Programs of the older version, and its modules as they are loaded into this process beside our own. */
export interface OlderVersion {
  readonly skip: false | string;
  /** The folder of its checkout. */
  readonly folder: string;
  migrate(databaseUrl: string): Promise<void>;
  vault(
    databaseUrl: string,
    kekFile: string,
  ): Promise<{ vault: Vault; store: Store; close(): Promise<void> }>;
}

/**
 * The older version, taken out of this checkout's history. A clone without that much history has
 * `skip` say so.
 */
export async function olderVersion(): Promise<OlderVersion> {
  const git = (...args: string[]) => run('git', args, { cwd: root });
  const isThere = await git('cat-file', '-e', `${commit}^{commit}`).then(
    () => true,
    () => false,
  );
  if (!isThere)
    return unusable(`${MISSING_HISTORY}${commit.slice(0, 7)}: this clone does not reach back to it`);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-older-'));
  thisFile.after(() => rm(folder, { recursive: true, force: true }));
  const archive = join(folder, 'older.tar');
  await git('archive', '--output', archive, commit, 'apps', 'packages', 'package.json');
  await run('tar', ['-xf', archive, '-C', folder]);
  try {
    await linkPackages(folder);
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : error;
    return unusable(`${MISSING_TOOL}packages of ${commit.slice(0, 7)}: ${why}`);
  }
  const load = async (path: string) => import(pathToFileURL(join(folder, path)).href);
  return {
    skip: false,
    folder,
    migrate: async (url) => (await load('packages/schema/src/index.ts')).migrate(url),
    async vault(url, kekFile) {
      const { openStore } = await load('packages/db/src/index.ts');
      const { openKek } = await load('packages/kms/src/index.ts');
      const { createVault } = await load('packages/vault/src/index.ts');
      const store: Store = openStore({ ...patient, url, max: 20, onError: () => {} });
      const vault: Vault = createVault({ store, kek: await openKek(`local:${kekFile}`) });
      return {
        vault,
        store,
        async close() {
          await vault.close();
          await store.end();
        },
      };
    },
  };
}

function unusable(skip: string): OlderVersion {
  const refuse = () => Promise.reject(new Error(skip));
  return { skip, folder: '', migrate: refuse, vault: refuse };
}

/**
 * What is installed here, but for the workspaces, which are its own, and for packages that it needs in another version or
 * that are not needed any more: these are downloaded once.
 */
async function linkPackages(folder: string): Promise<void> {
  const workspaces = (
    await Promise.all(
      ['apps', 'packages'].map(async (kind) =>
        (await readdir(join(folder, kind))).map((name) => ({ kind, name })),
      ),
    )
  ).flat();
  const needed = new Map<string, string>();
  for (const { kind, name } of workspaces) {
    const { dependencies = {} } = await readJson(join(folder, kind, name, 'package.json'));
    for (const [what, version] of Object.entries(dependencies))
      if (!what.startsWith('@rekey/')) needed.set(what, version);
  }
  const to = join(folder, 'node_modules');
  const link = async (name: string, at: string) => {
    await mkdir(join(to, name, '..'), { recursive: true });
    await symlink(at, join(to, name));
  };
  const others: string[] = [];
  for (const [name, version] of needed) {
    const here = join(root, 'node_modules', name);
    const installed = await readJson(join(here, 'package.json')).catch(() => null);
    if (installed?.version === version) await link(name, here);
    else others.push(`${name}@${version}`);
  }
  if (others.length > 0) {
    const kept = await install(others);
    for (const other of others) {
      const name = other.slice(0, other.lastIndexOf('@'));
      await link(name, join(kept, 'node_modules', name));
    }
  }
  for (const { kind, name } of workspaces) await link(`@rekey/${name}`, join(folder, kind, name));
}

async function install(packages: readonly string[]): Promise<string> {
  const cache = join(root, 'node_modules/.cache/rekey');
  const kept = join(cache, `older-${commit.slice(0, 7)}`);
  if ((await readdir(kept).catch(() => [])).length > 0) return kept;
  await mkdir(cache, { recursive: true });
  const made = await mkdtemp(join(cache, 'older-'));
  const how = ['--no-save', '--no-package-lock', '--ignore-scripts', '--prefix', made];
  await run('npm', ['install', ...how, ...packages], { cwd: made });
  // Another test may have been faster: then theirs stays.
  await rename(made, kept).catch(() => rm(made, { recursive: true }));
  return kept;
}

async function readJson(
  file: string,
): Promise<{ readonly version?: string; readonly dependencies?: Record<string, string> }> {
  return JSON.parse(await readFile(file, 'utf8'));
}
