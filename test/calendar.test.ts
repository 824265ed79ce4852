import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endWithin, hoursProblem, hoursState, isTimeZone } from '@rekey/calendar';
import { calendarCases, daily, on } from './calendar-cases.ts';

const minuteMs = 60_000;
for (const [what, windows, at, open, until] of calendarCases)
  test(`windows: ${what}`, () => {
    const { isOpen, untilMs } = hoursState(windows, Date.parse(at));
    assert.deepEqual(
      { isOpen, until: untilMs === null ? null : new Date(untilMs).toISOString() },
      { isOpen: open, until: new Date(until).toISOString() },
    );
  });

test('windows that never close say no end', () => {
  const state = hoursState([daily('00:00', '00:00', 'Europe/Berlin')], Date.parse('2026-03-28T12:00:00Z'));
  assert.deepEqual(state, { isOpen: true, untilMs: null });
});

test('each state lasts exactly until it says, over a year of minutes around every change', () => {
  const windows = [
    daily('02:15', '02:45', 'Europe/Berlin'),
    on(['sun'], '01:30', '03:30', 'America/New_York'),
  ];
  let atMs = Date.parse('2026-01-01T00:00:00Z');
  const endMs = Date.parse('2027-01-01T00:00:00Z');
  let changes = 0;
  while (atMs < endMs) {
    const { isOpen, untilMs } = hoursState(windows, atMs);
    assert.ok(untilMs !== null && untilMs > atMs);
    assert.equal(hoursState(windows, untilMs - 1).isOpen, isOpen);
    assert.equal(hoursState(windows, untilMs).isOpen, !isOpen);
    // Nothing lies between that was not told.
    const middleMs = atMs + Math.floor((untilMs - atMs) / 2 / minuteMs) * minuteMs;
    assert.equal(hoursState(windows, middleMs).isOpen, isOpen);
    atMs = untilMs;
    changes += 1;
  }
  assert.ok(changes > 700, String(changes));
});

test('windows without an opening within seven days, and unknown time zones, are refused', () => {
  const now = Date.parse('2026-03-24T12:00:00Z');
  assert.equal(hoursProblem([daily('02:00', '04:00', 'Europe/Berlin')], now), null);
  assert.equal(hoursProblem([on(['tue'], '02:00', '04:00', 'UTC')], now), null);
  assert.match(hoursProblem([], now) ?? '', /no window/);
  // Its only one falls into the hour that is skipped on the 29th.
  assert.match(hoursProblem([on(['sun'], '02:30', '03:15', 'Europe/Berlin')], now) ?? '', /no window/);
  assert.match(hoursProblem([daily('02:00', '04:00', 'Europe/Bonn')], now) ?? '', /time zone/);
  assert.match(hoursProblem([daily('02:00', '04:00', '+02:00')], now) ?? '', /time zone/);
  assert.equal(isTimeZone('UTC'), true);
});

test('work that goes on within windows only ends when they have been open for so long', () => {
  const nights = [daily('22:00', '04:00', 'Europe/Berlin')];
  const hourMs = 60 * minuteMs;
  const ends = (now: string, hours: number): string =>
    new Date(endWithin(nights, Date.parse(now), hours * hourMs)).toISOString();
  assert.equal(ends('2026-06-01T12:00:00Z', 2), '2026-06-01T22:00:00.000Z', 'from the next opening on');
  assert.equal(ends('2026-06-01T21:00:00Z', 2), '2026-06-01T23:00:00.000Z', 'within this one');
  assert.equal(ends('2026-06-02T01:00:00Z', 2), '2026-06-02T21:00:00.000Z', 'the next night');
  assert.equal(ends('2026-06-01T12:00:00Z', 13), '2026-06-03T21:00:00.000Z', 'in the third night');
  assert.equal(
    ends('2026-06-02T02:00:00Z', 0),
    '2026-06-02T20:00:00.000Z',
    'nothing ends while they are closed',
  );
  const years = endWithin(nights, Date.parse('2026-06-01T12:00:00Z'), 6 * 730 * hourMs);
  assert.ok(
    Math.abs(years - Date.parse('2028-05-31T02:00:00Z')) < 40 * 24 * hourMs,
    new Date(years).toISOString(),
  );
});
