import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@rekey/runtime';
import { createWriteEvents } from '@rekey/worker';
import { rotationCore } from '../harness/rotation.ts';

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
  const writeEvents = createWriteEvents(core.store, logger);
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
