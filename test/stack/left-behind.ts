/** For stuck-files.test.ts: it leaves a process behind that holds its output, and does not end by itself. */
import { spawn } from 'node:child_process';
import { test } from 'node:test';

test('leaves somebody behind', async () => {
  spawn('sleep', ['60'], { stdio: 'inherit', detached: true }).unref();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
