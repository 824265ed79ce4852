import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LINES_KEPT, type ProcessOptions, startProcess } from '@rekey/stack';
import { isAlive } from './parent.ts';

const STUBBORN = fileURLToPath(new URL('./stubborn-program.ts', import.meta.url));

test('a process has the environment it was given and a PATH, and nothing of ours', async () => {
  const running = startProcess({ name: 'p', entry: STUBBORN, env: { GIVEN: 'yes' }, readyLine: /^ready$/ });
  assert.equal(await running.ready, 'ready');
  running.kill('SIGKILL');
  await running.exited;
  const environment = JSON.parse(
    running
      .logs()
      .split('\n')
      .find((line) => line.startsWith('{')) ?? '',
  );
  assert.deepEqual(Object.keys(environment).sort(), ['GIVEN', 'PATH']);
});

test('a process killed by a signal tells the signal', async () => {
  const running = startProcess({ name: 'p', entry: STUBBORN, env: {}, readyLine: 'ready' });
  await running.ready;
  running.kill('SIGKILL');
  assert.deepEqual(await running.exited, { code: null, signal: 'SIGKILL' });
});

test('a signal that is sent before the process runs reaches it', async () => {
  const running = startProcess({ name: 'p', entry: STUBBORN, env: {} });
  running.kill('SIGKILL');
  assert.deepEqual(await running.exited, { code: null, signal: 'SIGKILL' });
});

test('a process that does not care for SIGTERM is killed at the deadline', async () => {
  const running = startProcess({ name: 'p', entry: STUBBORN, env: {}, readyLine: 'ready' });
  await running.ready;
  const pid = await running.pid;
  assert.deepEqual(await running.stop(200), { code: null, signal: 'SIGKILL' });
  assert.deepEqual(await running.stop(200), { code: null, signal: 'SIGKILL' });
  assert.match(running.logs(), /^no$/m);
  assert.ok(!isAlive(pid));
});

test('a process that ends before it is ready rejects with its last lines', async (t) => {
  const running = await start(t, `console.error('the reason'); process.exitCode = 3;`, {
    readyLine: 'ready',
  });
  await assert.rejects(running.ready, { code: 'PROCESS_EXITED', message: /code 3.*\nthe reason/s });
  assert.deepEqual(await running.exited, { code: 3, signal: null });
});

test('a process that does not get ready in time rejects with its last lines', async (t) => {
  const running = await start(t, `console.log('still at it'); setInterval(() => {}, 1000);`, {
    readyLine: 'ready',
    readyWithinMs: 15_000,
  });
  await assert.rejects(running.ready, {
    code: 'PROCESS_NOT_READY',
    message: /within 15000 ms.*\nstill at it/s,
  });
  assert.deepEqual(await running.stop(), { code: null, signal: 'SIGTERM' });
});

test('of a process that has said nothing no last lines are announced', async (t) => {
  const running = await start(t, `process.exitCode = 4;`, { readyLine: 'ready' });
  await assert.rejects(running.ready, {
    code: 'PROCESS_EXITED',
    message: /code 4.*\. It has said nothing\.$/s,
  });
});

test('every line is heard, and the last thousand are kept', async (t) => {
  const heard: string[] = [];
  const running = await start(t, `for (let i = 1; i <= 20_000; i++) console.log('line ' + i);`, {
    onLine: (line) => heard.push(line),
  });
  assert.deepEqual(await running.exited, { code: 0, signal: null });
  assert.equal(heard.length, 20_000);
  const kept = running.logs().split('\n');
  assert.equal(kept.length, LINES_KEPT);
  assert.equal(kept.at(-1), 'line 20000');
});

async function start(t: TestContext, source: string, options: Partial<ProcessOptions>) {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  const entry = join(folder, 'program.mjs');
  await writeFile(entry, source);
  const running = startProcess({ name: 'program', entry, env: {}, ...options });
  t.after(async () => {
    await running.stop();
    await rm(folder, { recursive: true });
  });
  return running;
}
