import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@rekey/runtime';
import { untilStopped } from '@rekey/worker';
import { until } from '../harness/wait.ts';

test('what keeps failing is told once, and its end, and a short failure is not', async () => {
  const said: string[] = [];
  const say =
    (level: string) =>
    (what: string): void => {
      said.push(`${level}: ${what}`);
    };
  const logger: Logger = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    fatal: say('fatal'),
    child: () => logger,
  };
  const stop = new AbortController();
  let fails = true;
  let done = 0;
  const work = async (): Promise<void> => {
    done += 1;
    if (fails) throw new Error('away');
  };
  const running = untilStopped('it', work, { logger, signal: stop.signal, afterMs: 1_500 });
  await until(() => done > 0, { what: 'it was tried' });
  assert.deepEqual(said, [], 'not at the first failure');
  await until(() => said.length > 0, { what: 'it is told' });
  const tried = done;
  await until(() => done > tried + 1, { what: 'it is tried again' });
  assert.deepEqual(said, ['warn: it stands still']);
  fails = false;
  await until(() => said.length > 1, { what: 'the end is told' });
  stop.abort();
  await running;
  await sleep(50);
  assert.deepEqual(said, ['warn: it stands still', 'info: it goes on']);
});
