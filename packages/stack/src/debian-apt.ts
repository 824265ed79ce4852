import { execFile } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DebianTool, notUnpacked } from './debian-tools.ts';
import type { Keeper } from './keeper.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

type Apt = {
  keeper: Keeper;
  /** All that is apt's own lies here: configuration, state, what it downloads. */
  folder: string;
};

/** How the machine fetches: proxies, timeouts, certificates. Not its hooks: they belong to installing. */
type Machine = { architecture: string; acquire: string[] };

/**
 * Downloads the packages of a tool, and what they depend on, into `<folder>/archives`. apt works with a configuration of
 * its own: the machine's is read, for mirror, proxies and keys, and nothing outside of `folder` and `index` is written.
 * `index`: where the package lists of earlier downloads are, or are to be; several processes may use it at once.
 */
export async function downloadPackages(apt: Apt, tool: DebianTool, index: string): Promise<void> {
  const machine = await machineConfiguration();
  await mkdir(join(apt.folder, 'archives/partial'), { recursive: true });
  await writeFile(join(apt.folder, 'status'), installedAlready(machine.architecture));
  if (await install(apt, tool, machine, index)) return;

  const fresh = await freshIndex(apt, tool, machine);
  if (!(await install(apt, tool, machine, fresh)))
    throw new Error(`apt-get could not download ${tool.packages.join(', ')}.`);
  // For the next one. Whoever reads the old one meanwhile fails, and makes a new one too.
  await rename(index, join(apt.folder, 'old-index')).catch(() => {});
  await rename(fresh, index).catch(() => {});
}

async function install(apt: Apt, tool: DebianTool, machine: Machine, index: string): Promise<boolean> {
  await configure(apt, tool, machine, index);
  return aptGet(apt, ['--yes', '--no-install-recommends', '--download-only', 'install', ...tool.packages]);
}

/** From the first of the machine's mirrors that has the release: only Debian's own passes the check of signatures. */
async function freshIndex(apt: Apt, tool: DebianTool, machine: Machine): Promise<string> {
  const index = join(apt.folder, 'index');
  await configure(apt, tool, machine, index);
  for (const mirror of tool.from === 'machine' ? [''] : await machineMirrors()) {
    await rm(index, { recursive: true, force: true });
    await mkdir(join(index, 'lists/partial'), { recursive: true });
    const line = `deb [signed-by=${KEYRING}] ${mirror} ${tool.from} main\n`;
    await writeFile(join(index, 'sources.list'), line);
    // One of the machine's own sources may be out of order, which need not matter.
    if (await aptGet(apt, ['update', ...(tool.from === 'machine' ? [] : ['--error-on=any'])])) return index;
  }
  throw new Error(`None of the machine's mirrors has what ${tool.from} names, or none was reached.`);
}

async function aptGet({ keeper, folder }: Apt, args: string[]): Promise<boolean> {
  const variables = [`APT_CONFIG=${join(folder, 'apt.conf')}`, 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive'];
  const command = { file: 'env', args: [...variables, 'apt-get', '--quiet', ...args], cwd: folder };
  const child = keeper.run({ ...command, logFile: join(folder, 'log'), stopWith: [] });
  return (await child.exited).code === 0;
}

async function machineConfiguration(): Promise<Machine> {
  const { stdout } = await promisify(execFile)('apt-config', ['dump']);
  const architecture = /^APT::Architecture "(.+)";$/m.exec(stdout)?.[1];
  if (architecture === undefined) throw new Error('apt-config does not tell the architecture.');
  const acquire = stdout
    .split('\n')
    .filter((line) => /^Acquire::(?!IndexTargets|Languages|Allow)/.test(line));
  return { architecture, acquire };
}

/** In the order of the machine's sources, whatever their format: as apt reads them. */
async function machineMirrors(): Promise<string[]> {
  const printed = promisify(execFile)('apt-get', ['update', '--print-uris']);
  const { stdout } = await printed.catch(() => ({ stdout: '' }));
  const found = stdout.matchAll(/^'(.+)\/dists\/[^/']+\/InRelease' /gm);
  return [...new Set(Array.from(found, ([, mirror = '']) => mirror))];
}

async function configure({ folder }: Apt, tool: DebianTool, machine: Machine, index: string): Promise<void> {
  const ourSources = [
    `Dir::Etc::sourcelist "${join(index, 'sources.list')}";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
  ];
  const lines = [
    ...machine.acquire,
    'Acquire::Languages "none";',
    `APT::Architecture "${machine.architecture}";`,
    'APT::Sandbox::User "root";', // apt's unprivileged user could not write into our folder
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    ...(tool.from === 'machine' ? [] : ourSources),
    `Dir::State "${folder}";`,
    `Dir::State::status "${join(folder, 'status')}";`,
    `Dir::State::lists "${join(index, 'lists')}";`,
    `Dir::Cache "${folder}";`,
    `Dir::Cache::archives "${join(folder, 'archives')}";`,
    'Dir::Cache::pkgcache "";',
    'Dir::Cache::srcpkgcache "";',
    `Dir::Log "${folder}";`,
    'Debug::NoLocking "true";', // nobody else writes there
  ];
  await writeFile(join(folder, 'apt.conf'), `${lines.join('\n')}\n`);
}

/** The package database of a machine that has nothing but what no run needs. */
function installedAlready(architecture: string): string {
  const fields = (name: string) => [
    `Package: ${name}`,
    'Status: install ok installed',
    'Maintainer: none',
    `Architecture: ${architecture}`,
    'Multi-Arch: allowed',
    'Version: 999:0',
    'Description: none',
  ];
  return notUnpacked.map((name) => `${fields(name).join('\n')}\n\n`).join('');
}
