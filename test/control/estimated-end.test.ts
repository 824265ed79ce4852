/** When a rotation will have ended, as it is told: whatever workers wrote, and however old that is, no moment lies in the past. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldNow } from '@rekey/control';
import fc from 'fast-check';
import { estimatedEnd } from '../../packages/control/src/estimated-end.ts';
import type { Progress, RotationRow } from '../../packages/control/src/rotation-view.ts';

const nowMs = Date.UTC(2026, 5, 15, 12);
const hourMs = 3_600_000;
const none = { credentials: 0, apiKeys: 0, secrets: 0 };

const moment = fc.integer({ min: nowMs - hourMs, max: nowMs + hourMs });
const progress = fc.record({
  remaining: fc.nat(1_000_000),
  estimatedCompletion: moment,
  left: fc.option(
    fc
      .tuple(
        fc.oneof(fc.constant(0), fc.double({ min: 0, max: 10_000, noNaN: true })),
        fc.double({ min: 1, max: 1.5, noNaN: true }),
      )
      .map(([seconds, wide]) => ({ seconds, low: seconds / wide, high: seconds * wide })),
  ),
});
const rows = fc
  .record({
    startedMs: fc.integer({ min: nowMs - hourMs, max: nowMs }),
    assumedMs: moment,
    waitingFor: fc.constantFrom(null, 'lock', 'kms', 'kek_suspended', 'integrity', 'window' as const),
    unattended: fc.boolean(),
    level: fc.constantFrom(null, 'slow' as const, 'stop' as const),
    hasWindows: fc.boolean(),
    progress: fc.option(progress),
  })
  .map(
    ({ startedMs, assumedMs, waitingFor, unattended, level, hasWindows, progress: written }) =>
      ({
        status: 'in_progress',
        started_at: new Date(startedMs),
        estimated_completion: new Date(assumedMs),
        items_to_rotate: { ...none, secrets: 1_000 },
        waiting_for: waitingFor,
        unattended,
        throttled_by: level === null ? null : { signal: 'locks', detail: '', since: '', level },
        windows: hasWindows ? [{ days: ['mon', 'tue'], from: '22:00', to: '04:00', timeZone: 'UTC' }] : null,
        progress:
          written === null
            ? null
            : ({
                remaining: { ...none, secrets: written.remaining },
                estimatedCompletion: new Date(written.estimatedCompletion).toISOString(),
                left: written.left,
              } as Partial<Progress>),
      }) as RotationRow, // what an end is told by
  );

test('of a rotation that runs neither the moment nor its range lies in the past, now and when it is served later', () => {
  fc.assert(
    fc.property(rows, fc.nat(10 * 60_000), (row, laterMs) => {
      const { at, range } = estimatedEnd(row, nowMs);
      const view = { status: row.status, estimatedCompletion: at, estimatedRange: range };
      assert.ok(toldNow(view, nowMs) === view, 'as it was found it is told');
      const later = toldNow(view, nowMs + laterMs);
      for (const [told, atMs] of [
        [view, nowMs],
        [later, nowMs + laterMs],
      ] as const) {
        const moments = [
          told.estimatedRange?.earliest,
          told.estimatedCompletion,
          told.estimatedRange?.latest,
        ].flatMap((one) => (one ? [one.getTime()] : []));
        assert.ok(moments.length > 0 && moments.every((ms) => ms > atMs), `${moments} at ${atMs}`);
        assert.deepEqual(
          moments,
          moments.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what is paused or has ended is told as it is', () => {
  const past = new Date(nowMs - hourMs);
  for (const view of [
    { status: 'completed', estimatedCompletion: past, estimatedRange: null },
    { status: 'paused', estimatedCompletion: null, estimatedRange: null },
  ] as const)
    assert.equal(toldNow(view, nowMs), view);
});
