import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MISSING_TOOL } from './missing-tools.ts';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/rekey/', import.meta.url));

/** Of each line that the library is for, besides our own Node. */
export const olderNodes = { 22: '22.23.5', 24: '24.22.3' } as const;

/**
 * The program of an older Node, and `skip` for the options of a test: false, or why it is not there. Two of them are 100 MB,
 * which are downloaded with TEST_TOOLS=all only, and kept.
 */
export async function olderNode(
  major: keyof typeof olderNodes,
): Promise<{ readonly file: string; readonly skip: false | string }> {
  const name = `node-${process.platform}-${process.arch}`;
  const kept = join(cache, `${name}-${olderNodes[major]}`);
  const file = join(kept, 'node_modules', name, 'bin/node');
  const missing = (why: string) => ({ file, skip: `${MISSING_TOOL}node ${major}: ${why}` });
  if (await isThere(file)) return { file, skip: false };
  if (process.env.TEST_TOOLS !== 'all')
    return missing('50 MB, which are downloaded with TEST_TOOLS=all only');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'node-'));
  try {
    const what = ['--no-save', '--no-package-lock', '--ignore-scripts', `${name}@${olderNodes[major]}`];
    await run('npm', ['install', '--prefix', folder, ...what], { cwd: folder });
    // Another test may have been faster: then theirs stays.
    await rename(folder, kept).catch(() => {});
    return (await isThere(file)) ? { file, skip: false } : missing('npm did not bring it');
  } catch (error) {
    return missing(`npm install: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
