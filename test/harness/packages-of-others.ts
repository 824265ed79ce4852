import { execFile } from 'node:child_process';
import { access, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MISSING_TOOL } from './missing-tools.ts';

/**
 * For the options of a test: false once the packages of the lockfile in `folder` are installed there, or why they are not. They are
 * no workspace, so that what only tests use is not installed with the product; downloaded with TEST_TOOLS=all only, and kept.
 */
export async function packagesOfOthers(
  folder: string,
  { name, megabytes }: { name: string; megabytes: number },
): Promise<false | string> {
  const isThere = await access(join(folder, 'node_modules')).then(
    () => true,
    () => false,
  );
  if (isThere) return false;
  if (process.env.TEST_TOOLS !== 'all')
    return `${MISSING_TOOL}${name}: ${megabytes} MB, which are downloaded with TEST_TOOLS=all only`;
  try {
    await install(folder);
    return false;
  } catch (error) {
    return `${MISSING_TOOL}${name}: ${String(error).split('\n')[0]}`;
  }
}

/** Beside where it will be and then moved there: all of it or nothing, though two files of tests install it at once. */
async function install(folder: string): Promise<void> {
  await mkdir(join(folder, '.cache'), { recursive: true });
  const stage = await mkdtemp(join(folder, '.cache/npm-'));
  try {
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(join(folder, file), join(stage, file));
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([variable]) => !variable.toLowerCase().startsWith('npm_')),
    );
    const args = ['ci', '--prefix', stage, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', args, { cwd: stage, env });
    await rename(join(stage, 'node_modules'), join(folder, 'node_modules')).catch((error: unknown) => {
      // Somebody else's is there by now, of the same lockfile.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
    });
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}
