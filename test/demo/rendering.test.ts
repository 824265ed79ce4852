import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bar,
  barLine,
  clip,
  count,
  createPaint,
  describeCounts,
  left,
  liveView,
  nextLines,
  noticeableIn,
  percent,
  plainLine,
  roughly,
  summaryLines,
  took,
  widthOf,
} from '@rekey/demo';
import * as fc from 'fast-check';
import { activity, halfWay, rotation, scene } from './scene.ts';

const plain = createPaint(false);
const colourful = createPaint(true);

test('a bar is as wide as it was asked to be, and full only when all is done', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1, max: 2, noNaN: true }),
      fc.integer({ min: 1, max: 200 }),
      (fraction, width) => {
        const drawn = bar(fraction, width, plain);
        assert.equal(drawn.length, width);
        assert.equal(drawn === '━'.repeat(width), fraction >= 1);
        assert.equal(widthOf(bar(fraction, width, colourful)), width);
      },
    ),
  );
});

test('bars stand under each other, whatever they say', () => {
  const lines = [
    barLine(
      { label: 'credentials', fraction: 0, note: '0 of 25' },
      { columns: 80, noteWidth: 10, paint: plain },
    ),
    barLine(
      { label: 'API keys', fraction: 1, note: '10 of 10' },
      { columns: 80, noteWidth: 10, paint: plain },
    ),
  ];
  assert.deepEqual(
    lines.map((line) => [line.length, line.search(/[━─]/)]),
    [
      [80, 17],
      [80, 17],
    ],
  );
});

test('the live view fits 80 columns, and makes use of 120', () => {
  const widest = (columns: number): number =>
    Math.max(...liveView(scene(), { columns, paint: plain }).map(widthOf));
  assert.ok(widest(80) <= 80);
  assert.ok(widest(120) > 80 && widest(120) <= 120);
});

test('the live view fits 80 columns with a hundred million records', () => {
  const counts = { credentials: 29_411_760, apiKeys: 11_764_704, secrets: 58_823_536 };
  const large = scene({ counts, rotation: halfWay({ itemsToRotate: counts, itemsPerSecond: 123_456 }) });
  for (const line of liveView(large, { columns: 80, paint: plain })) assert.ok(widthOf(line) <= 80, line);
});

test('the live view shows each item type, the phase, the rate and the application', () => {
  const text = liveView(scene(), { columns: 80, paint: plain }).join('\n');
  assert.match(text, /credentials +━+─+ +80\.0 % +20 of 25/);
  assert.match(text, /API keys +─+ +0\.0 % +0 of 10/);
  assert.match(text, /secrets +━+─+ +50\.0 % +25 of 50/);
  assert.match(text, /✔ queued {2}✔ activating {2}▸ sweeping {2}· verifying {2}· done/);
  assert.match(text, /21,500 records\/s, 0:07 left, 1\.5 s since the call/);
  assert.match(text, /reads +1,020 +612\/s +0 errors/);
  assert.match(text, /writes +280 +188\/s +0 errors/);
  assert.match(text, /API 4711, worker 1 4712, worker 2 4713/);
});

test('before the call nothing is done, after it everything', () => {
  const before = liveView(scene({ period: 'before', rotation: null }), { columns: 80, paint: plain }).join(
    '\n',
  );
  assert.doesNotMatch(before, /━/);
  const after = liveView(scene({ period: 'after', rotation: rotation() }), {
    columns: 80,
    paint: plain,
  }).join('\n');
  assert.doesNotMatch(after, /─/);
  assert.match(after, /completed 1\.5 s after the call/);
});

test('a rotation that waits says for what', () => {
  const waiting = scene({ rotation: halfWay({ waitingFor: 'kms' }) });
  assert.match(liveView(waiting, { columns: 80, paint: plain }).join('\n'), /waiting for the KMS/);
});

test('errors of the application are seen', () => {
  const drawn = liveView(scene({ activity: activity(2) }), { columns: 80, paint: colourful }).join('\n');
  assert.ok(drawn.includes(colourful.bad('2 errors')));
});

test('without colour there is no escape sequence', () => {
  const lines = [
    ...liveView(scene(), { columns: 80, paint: plain }),
    ...summaryLines({ rotation: rotation(), callToCompletedMs: 257, activity: activity() }, plain),
  ];
  assert.ok(!lines.join('').includes('\x1b'));
});

test('what to try next fits into the 80 columns of a terminal', () => {
  for (const line of nextLines(plain)) assert.ok(widthOf(line) <= 80, line);
});

test('where nothing can be drawn in place, a line says it all', () => {
  assert.equal(
    plainLine(scene()),
    '  sweeping     52.9 %  45 of 85 records  21,500 records/s, 0:07 left, 1.5 s since the call  ' +
      '1,020 reads, 280 writes, 0 errors',
  );
});

test('another line is worth it for a phase, for what is waited for, and for five percent', () => {
  const news = (other: Parameters<typeof halfWay>[0]): string => noticeableIn({ rotation: halfWay(other) });
  assert.equal(news({ percentComplete: 54.9 }), news({}));
  assert.notEqual(news({ percentComplete: 55 }), news({}));
  assert.notEqual(news({ phase: 'verifying' }), news({}));
  assert.notEqual(news({ waitingFor: 'lock' }), news({}));
});

test('the summary tells what was rotated, superseded and failed, how fast, and from which key to which', () => {
  const text = summaryLines(
    { rotation: rotation(), callToCompletedMs: 250, activity: activity() },
    plain,
  ).join('\n');
  assert.match(text, /rotated +79 re-encrypted/);
  assert.match(text, /superseded +6 left the old key/);
  assert.match(text, /failed +0 set aside/);
  assert.match(text, /250 ms from the call to completed, 340 records\/s/);
  assert.match(text, /old key +dek-7b1f3c52/);
  assert.match(text, /new key +dek-0a4ff2c6/);
  assert.match(text, /reads +900 +120 +0\n/);
  assert.match(text, /longest +12 ms +12 ms +–/);
});

test('a line that is too long is cut at the last column, and its colours end', () => {
  assert.equal(clip('abcdef', 6), 'abcdef');
  assert.equal(clip('abcdefg', 6), 'abcde…');
  assert.equal(clip(colourful.good('abcdefg'), 6), '\x1b[32mabcde\x1b[39m…');
  assert.equal(widthOf(clip(`${colourful.bad('abc')}${colourful.dim('defghi')}`, 5)), 5);
});

test('numbers and times read well', () => {
  assert.equal(count(1_234_567.8), '1,234,568');
  assert.equal(roughly(294_117), '294K');
  assert.deepEqual([0.04, 257.4, 9_960, 99_949, 125_400].map(took), [
    '0.0 ms',
    '257 ms',
    '10.0 s',
    '99.9 s',
    '2 min 05 s',
  ]);
  assert.deepEqual([-5, 1, 61_000, 600_000].map(left), ['0:00', '0:01', '1:01', '10:00']);
  assert.deepEqual([0, 0.9999, 1].map(percent), ['0.0 %', '99.9 %', '100 %']);
  assert.equal(
    describeCounts({ credentials: 1, apiKeys: 2, secrets: 0 }),
    '1 credential, 2 API keys, 0 secrets',
  );
});
