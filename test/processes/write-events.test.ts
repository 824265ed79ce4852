import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@rekey/runtime';
import { createWriteEvents } from '@rekey/worker';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const signal = new AbortController().signal;

test('an event whose line cannot be written, and those behind it, have theirs once it can', async () => {
  const lines: string[] = [];
  let room = 3;
  const logger = createLogger({
    name: 'worker',
    level: 'info',
    // As standard output does that is a file on a full disk.
    write: (line) => {
      if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      room -= 1;
      lines.push(line);
    },
  });
  const { tenantId } = await core.startAndRotate(await core.createTenant());
  const writeEvents = createWriteEvents(core.store, logger, 'info');
  await assert.rejects(writeEvents(signal), { code: 'ENOSPC' });
  assert.equal(lines.length, 3);
  room = Number.POSITIVE_INFINITY;
  await writeEvents(signal);

  const { rows } = await core.store.query<{ sequence: string }>(
    'select sequence from rekey.events where chain = $1 order by sequence',
    [tenantId],
  );
  assert.ok(rows.length > 5);
  assert.deepEqual(
    lines
      .map((line) => JSON.parse(line))
      .filter((line) => line.tenantId === tenantId)
      .map(({ sequence }) => sequence),
    rows.map(({ sequence }) => sequence),
  );
});

test('a worker whose log has no lines of information leaves events to others', async () => {
  await core.createTenant();
  const waiting = async (): Promise<unknown[]> =>
    (await core.pool.query('select * from rekey.event_outbox order by chain, sequence')).rows;
  const before = await waiting();
  assert.ok(before.length > 0);
  for (const level of ['warn', 'error', 'silent'] as const)
    await createWriteEvents(core.store, createLogger({ name: 'worker', level }), level)(signal);
  assert.deepEqual(await waiting(), before);
});

test('names of events that are not there any more keep no event from its line', async () => {
  await core.pool.query(
    `insert into rekey.event_outbox select '00000000-0000-0000-0000-000000000000', n from generate_series(1, 300) n`,
  );
  const lines: string[] = [];
  const logger = createLogger({ name: 'worker', level: 'info', write: (line) => lines.push(line) });
  const tenantId = await core.createTenant();
  const writeEvents = createWriteEvents(core.store, logger, 'info');
  const written = async (): Promise<boolean> => {
    await writeEvents(signal); // once the reader of the first test has been silent for long enough
    return lines.some((line) => line.includes(tenantId));
  };
  await until(written, { what: 'its line', everyMs: 500 });
});
