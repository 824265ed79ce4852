import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../harness/wait.ts';
import { isAlive, nothingIsLeft, startParent } from './parent.ts';

test('a killed parent leaves no server, no process and no folder behind', async () => {
  const parent = await startParent();
  assert.ok(parent.pids.every(isAlive));
  parent.process.kill('SIGKILL');
  await until(() => nothingIsLeft(parent), { what: 'children to be gone', timeoutMs: 20_000 });
});

test('a first signal lets the parent clean up, and its exit code tells the signal', async () => {
  const parent = await startParent();
  parent.process.kill('SIGINT');
  const [code] = await once(parent.process, 'exit');
  assert.equal(code, 130);
  assert.ok(nothingIsLeft(parent), 'all was gone before the parent was');
});

test('a second signal ends the parent at once, and still nothing is left', async () => {
  const parent = await startParent();
  parent.process.kill('SIGTERM');
  await sleep(700); // later than an echo of the first; the stubborn child takes longer
  assert.equal(parent.process.exitCode, null);
  parent.process.kill('SIGTERM');
  const [code] = await once(parent.process, 'exit');
  assert.equal(code, 143);
  await until(() => nothingIsLeft(parent), { what: 'children to be gone', timeoutMs: 20_000 });
});

test('the echo of a Ctrl-C, which npm sends, does not cut the cleaning up short', async () => {
  const parent = await startParent();
  parent.process.kill('SIGINT');
  await sleep(50);
  parent.process.kill('SIGINT');
  await once(parent.process, 'exit');
  assert.ok(nothingIsLeft(parent), 'all was gone before the parent was');
});
