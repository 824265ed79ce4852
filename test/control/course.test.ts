import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Course, goOn, type Left, leftAsBefore, leftBy } from '../../packages/control/src/course.ts';

const beatMs = 250;

interface Look {
  readonly at: number;
  readonly left: Left;
  readonly actualSeconds: number;
}

/** A sweep of so many records at a rate that changes with time; what is told of it at 10, 50 and 90 %. */
function sweep(records: number, rateAt: (second: number) => number): Look[] {
  let course: Course | undefined;
  let [ms, done] = [0, 0];
  const told: Array<{ share: number; ms: number; left: Left }> = [];
  while (done < records) {
    course = goOn(course, null, ms, Math.floor(done));
    const left = leftBy(course, records - Math.floor(done));
    const share = [0.1, 0.5, 0.9][told.length];
    if (left !== null && share !== undefined && done >= share * records) told.push({ share, ms, left });
    assert.ok(course.points.length <= 60, `${course.points.length} points`);
    const rate = rateAt(ms / 1_000);
    // It ends between two beats.
    ms += Math.min(beatMs, rate === 0 ? beatMs : ((records - done) * 1_000) / rate);
    done += (rate * beatMs) / 1_000;
  }
  return told.map(({ share, ms: at, left }) => ({ at: share, left, actualSeconds: (ms - at) / 1_000 }));
}

/** The same for all runs of these tests. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const wanted = ({ left, actualSeconds }: Look): boolean =>
  Math.abs(actualSeconds / left.seconds - 1) <= 0.2 ||
  (actualSeconds >= left.low && actualSeconds <= left.high);

const random = noise(7);
const runs: Record<string, (second: number) => number> = {
  steady: () => 1_000,
  'with noise': () => 500 + random() * 1_000,
  'slowly slower': (second) => 1_000 - second,
  'slowly faster': (second) => 800 + second,
  'slow in its first second': (second) => (second < 1 ? 200 : 1_000),
  'stopped for 4 s of each 6': (second) => (second % 6 < 4 ? 0 : 2_000),
  'stopped for 2 s of each 3': (second) => (second % 3 < 2 ? 0 : 2_000),
  'stopped now and then': (second) => (Math.floor(second / 3) % 2 === Math.floor(second / 7) % 2 ? 0 : 2_000),
  'half as fast each other second': (second) => (second % 2 < 1 ? 500 : 1_000),
  'held back to a tenth': () => 100,
};

test('what is left is told within a fifth, or within a range of one to one and a half, at 10, 50 and 90 %', () => {
  for (const [what, rateAt] of Object.entries(runs)) {
    const looks = sweep(150_000, rateAt);
    assert.equal(looks.length, 3, what);
    for (const look of looks) {
      const { at, left, actualSeconds } = look;
      assert.ok(
        wanted(look),
        `${what}, at ${at}: ${left.low} to ${left.high} for ${left.seconds}, it took ${actualSeconds}`,
      );
      assert.ok(left.low < left.seconds && left.seconds < left.high && left.high <= left.low * 1.5001, what);
    }
  }
});

/** A course of one record each ms, but for where it stands still. */
function course(untilMs: number, stands: (ms: number) => boolean, limit: number | null = null): Course {
  let now: Course = { limit, points: [] };
  let done = 0;
  for (let ms = 0; ms <= untilMs; ms += beatMs) {
    if (ms > 0 && !stands(ms)) done += beatMs;
    now = goOn(now, limit, ms, done);
  }
  return now;
}

test('while it stands still what is left stays as it was, however long that is', () => {
  const moving = leftBy(
    course(20_000, () => false),
    60_000,
  );
  assert.ok(moving !== null && Math.abs(moving.seconds - 60) < 1, JSON.stringify(moving));
  for (const stopSeconds of [1, 30, 3_600]) {
    const standing = leftBy(
      course(20_000 + stopSeconds * 1_000, (ms) => ms > 20_000),
      60_000,
    );
    assert.deepEqual(standing?.seconds, moving.seconds, `${stopSeconds} s`);
  }
});

test('an hour that it stood still counts as no more than half of what it had gone before', () => {
  const hour = course(20_000 + 3_600_000 + 10_000, (ms) => ms > 20_000 && ms <= 3_620_000);
  const left = leftBy(hour, 60_000);
  assert.ok(left !== null && left.seconds < 150, JSON.stringify(left));
  const shortly = course(20_000 + 3_600_000 + 60_000, (ms) => ms > 20_000 && ms <= 3_620_000);
  const later = leftBy(shortly, 60_000);
  assert.ok(later !== null && later.seconds < 75, JSON.stringify(later));
});

test('a limit that is set counts at once, and one that is lifted once it has moved', () => {
  const before = leftBy(
    course(20_000, () => false),
    60_000,
  );
  assert.ok(before !== null);
  const slower = goOn(
    course(20_000, () => false),
    100,
    20_250,
    20_250,
  );
  assert.deepEqual([slower.points.length, leftBy(slower, 60_000)], [1, null]);
  const limited = leftAsBefore(before, 60_000, 100);
  assert.deepEqual(
    [limited?.seconds, limited?.low, limited?.high],
    [630, 600, 870],
    'not sooner than it lets',
  );
  assert.deepEqual(leftAsBefore(null, 60_000, 100), limited);
  assert.deepEqual(leftAsBefore(before, 60_000, null), before);
  assert.equal(leftAsBefore(null, 60_000, null), null);
  const far = leftBy(
    course(5_000, () => false, 100),
    60_000,
  );
  assert.equal(far?.seconds, 600, 'no rate above the limit is believed');
});

/** Batches that begin small and double: 45 times as fast after a second and a half as in its first moment. */
const warmingUp = (second: number): number => Math.min(45_000, 1_000 * 2 ** (3.6 * second));

test('a short sweep that warms up is told by how it goes by then', () => {
  for (const records of [150_000, 210_000, 300_000, 600_000, 3_000_000]) {
    const looks = sweep(records, warmingUp);
    assert.equal(looks.length, 3);
    for (const look of looks)
      assert.ok(
        wanted(look),
        `${records}, at ${look.at}: ${JSON.stringify(look.left)}, it took ${look.actualSeconds}`,
      );
  }
});

test('what has hardly moved tells nothing', () => {
  assert.equal(
    leftBy(
      course(20_000, () => true),
      1_000,
    ),
    null,
  );
  assert.equal(
    leftBy(
      course(250, () => false),
      1_000,
    ),
    null,
  );
});
