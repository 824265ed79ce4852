/** What is told of a rotation's end while it is held back. How near that comes: `npm run estimates:figures`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureEstimates } from './estimating.ts';

test('the end is told as a range while it runs, without a latest moment while it is stopped, and as a moment once it has ended', async () => {
  const [limited, stopped] = await measureEstimates(
    [
      { records: 3_400, held: 'a limit' },
      { records: 3_400, held: 'a switch that stops it' },
    ],
    { workerEnv: { BATCH_SIZE: '50', THROTTLE_SESSIONS: '1000', ITEMS_PER_SECOND_MAX: '1000' } },
  );
  assert.ok(limited !== undefined && stopped !== undefined);
  const moments = ({ seen }: typeof limited) =>
    seen.flatMap(({ estimatedRange, estimatedCompletion, seenMs, throttledBy }) =>
      estimatedRange === null || estimatedCompletion === null
        ? []
        : [
            {
              earliest: Date.parse(estimatedRange.earliest),
              expected: Date.parse(estimatedCompletion),
              latest: estimatedRange.latest === null ? null : Date.parse(estimatedRange.latest),
              seenMs,
              throttledBy,
            },
          ],
    );
  const known = moments(limited);
  assert.ok(known.length > 5, `${known.length} of ${limited.seen.length}`);
  for (const { earliest, expected, latest, seenMs } of known) {
    assert.ok(latest !== null && earliest <= expected && expected <= latest);
    // What was told is up to a heartbeat old, and as much is gone of the near end.
    assert.ok(
      latest - seenMs <= 1.52 * (earliest - seenMs) + 1_500,
      `${earliest - seenMs} to ${latest - seenMs}`,
    );
  }
  const still = moments(stopped).filter(({ latest }) => latest === null);
  assert.ok(still.length > 0, 'no end is told while it is stopped');
  assert.ok(still.every(({ earliest, expected }) => earliest <= expected));
  for (const { seen } of [limited, stopped]) {
    const last = seen.at(-1);
    assert.equal(last?.status, 'completed');
    assert.deepEqual([last?.estimatedRange, last?.estimatedCompletion], [null, last?.completedAt]);
  }
});
