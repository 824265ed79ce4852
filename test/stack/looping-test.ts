/** For stuck-files.test.ts: it hears no SIGTERM, and nothing else of its process ever runs again. */
import { test } from 'node:test';

test('loops', async () => {
  await new Promise(setImmediate);
  process.on('SIGTERM', () => {});
  for (;;);
});
