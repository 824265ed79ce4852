import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { adaptiveStatementLimiter, fixedStatementLimiter, type StatementLimiter } from '@rekey/rotation';

/** A Postgres in which so many statements have a core each; more than that share them. Times are simulated. */
interface Database {
  cores: number;
  /** Statements of applications, always under way. */
  others?: number;
  /** Part of a statement that is the network's: others do not slow it. */
  networkMs?: number;
  /** Every so-manieth batch has records of 64 KiB. */
  readonly largeEvery?: number;
  /** A batch takes up to so many times longer or shorter, one in a hundred ten times as long. */
  readonly noise?: number;
}

const items = 200;
const workMs = 3;

/** Keeps `writers` writing until so many batches are written; says how many had how many places. */
async function write(
  limiter: StatementLimiter,
  database: Database,
  writers: number,
  batches: number,
): Promise<{ readonly share: (places: number) => number; readonly most: number }> {
  const random = randomFrom(7);
  const active = new Set<{ left: number; ms: number; done: () => void }>();
  const seen = new Map<number, number>();
  let begun = 0;
  const writer = async (): Promise<void> => {
    while (begun < batches) {
      begun += 1;
      seen.set(limiter.places, (seen.get(limiter.places) ?? 0) + 1);
      const bytes = begun % (database.largeEvery ?? Number.POSITIVE_INFINITY) === 0 ? 65_536 : 300;
      const left = ((workMs * (1_024 + bytes)) / 1_024) * luck(random, database.noise ?? 1);
      const statement = { left, ms: 0 };
      await limiter.run(() => new Promise<void>((done) => active.add(Object.assign(statement, { done }))));
      limiter.took(items, bytes * items, statement.ms + (database.networkMs ?? 0));
    }
  };
  const writing = Promise.all(Array.from({ length: writers }, writer));
  let most = 0;
  for (await settled(); active.size > 0; await settled()) {
    most = Math.max(most, active.size);
    const slowness = Math.max(1, (active.size + (database.others ?? 0)) / database.cores);
    const next = [...active].reduce((a, b) => (b.left < a.left ? b : a));
    const ran = next.left;
    for (const statement of active) {
      statement.left -= ran;
      statement.ms += ran * slowness;
    }
    active.delete(next);
    next.done();
  }
  await writing;
  return { share: (places) => (seen.get(places) ?? 0) / begun, most };
}

function luck(random: () => number, noise: number): number {
  return noise ** (2 * random() - 1) * (noise > 1 && random() < 0.01 ? 10 : 1);
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

test('one core: one statement at a time, and another is tried rarely', async () => {
  const { share } = await write(adaptiveStatementLimiter(6), { cores: 1, noise: 1.5 }, 6, 5_000);
  assert.ok(share(1) > 0.85, `${share(1)}`);
});

const eager = (placesMax: number): StatementLimiter => adaptiveStatementLimiter(placesMax, () => 'eager');

test('eager: two from the start where there is a core for each, one where there is none', async () => {
  const begin = await write(eager(8), { cores: 2, noise: 1.5 }, 6, 200);
  assert.ok(begin.share(2) + begin.share(3) > 0.85, `${begin.share(2)} ${begin.share(3)}`);
  const two = await write(eager(8), { cores: 2, noise: 1.5 }, 6, 5_000);
  assert.ok(two.share(2) + two.share(3) > 0.9, `${two.share(2)} ${two.share(3)}`);
  const one = await write(eager(8), { cores: 1, noise: 1.5 }, 6, 5_000);
  assert.ok(one.share(1) > 0.75, `${one.share(1)}`);
});

test('eager: as many statements as there are cores or one more, and never more than there may be', async () => {
  for (const cores of [2, 3, 4]) {
    const { share } = await write(eager(8), { cores, noise: 1.5 }, 10, 8_000);
    assert.ok(share(cores) + share(cores + 1) > 0.8, `${cores} cores: ${share(cores)} ${share(cores + 1)}`);
  }
  assert.equal((await write(eager(1), { cores: 4 }, 4, 500)).most, 1);
});

test('eager: when applications take the cores places go', async () => {
  const database: Database = { cores: 4, noise: 1.2 };
  const limiter = eager(6);
  await write(limiter, database, 8, 4_000);
  database.others = 8;
  await write(limiter, database, 8, 1_000);
  const busy = await write(limiter, database, 8, 2_000);
  assert.ok(busy.share(1) + busy.share(2) > 0.85, `busy: ${busy.share(1)} ${busy.share(2)}`);
});

test('cautious: the place of a worker that was eager goes when others come and two cores are full', async () => {
  const database: Database = { cores: 2, noise: 1.2 };
  let hasCompany = false;
  const limiter = adaptiveStatementLimiter(6, () => (hasCompany ? 'cautious' : 'eager'));
  const alone = await write(limiter, database, 6, 2_000);
  assert.ok(alone.share(2) > 0.8, `alone: ${alone.share(2)}`);
  [database.others, hasCompany] = [1, true];
  await write(limiter, database, 6, 500);
  const beside = await write(limiter, database, 6, 3_000);
  assert.ok(beside.share(1) > 0.8, `beside: ${beside.share(1)}`);
  // Where there is room for all of them, it comes back.
  database.cores = 8;
  await write(limiter, database, 6, 6_000);
  const roomy = await write(limiter, database, 6, 2_000);
  assert.ok(roomy.share(1) < 0.2, `roomy: ${roomy.share(1)}`);
});

test('as many statements as there are cores or one more, however much single batches differ', async () => {
  for (const cores of [2, 3, 4]) {
    const { share } = await write(adaptiveStatementLimiter(8), { cores, noise: 1.5 }, 10, 8_000);
    assert.ok(share(cores) + share(cores + 1) > 0.8, `${cores} cores: ${share(cores)} ${share(cores + 1)}`);
  }
});

test('never more places than there may be, and never more statements than places', async () => {
  const far = { cores: 100, networkMs: 10 };
  const { share, most } = await write(adaptiveStatementLimiter(3), far, 8, 3_000);
  assert.ok(share(3) > 0.8, `${share(3)}`);
  assert.equal(most, 3);
});

test('a place that nobody waits for is not added', async () => {
  const { share } = await write(adaptiveStatementLimiter(6), { cores: 6 }, 1, 1_000);
  assert.equal(share(1), 1);
});

test('when applications take the cores places go, and they come back', async () => {
  const database: Database = { cores: 4, noise: 1.2 };
  const limiter = adaptiveStatementLimiter(6);
  await write(limiter, database, 8, 4_000);
  for (let hour = 0; hour < 2; hour += 1) {
    database.others = 8;
    await write(limiter, database, 8, 1_000);
    const busy = await write(limiter, database, 8, 2_000);
    assert.ok(busy.share(1) + busy.share(2) > 0.9, `busy: ${busy.share(1)} ${busy.share(2)}`);
    database.others = 0;
    await write(limiter, database, 8, 6_000);
    const idle = await write(limiter, database, 8, 2_000);
    assert.ok(idle.share(4) + idle.share(5) > 0.8, `idle: ${idle.share(4)} ${idle.share(5)}`);
  }
});

test('where a statement has become slower for good, that is learned', async () => {
  const database: Database = { cores: 4, noise: 1.2 };
  const limiter = adaptiveStatementLimiter(4);
  await write(limiter, database, 8, 4_000);
  database.networkMs = 10;
  await write(limiter, database, 8, 20_000);
  const later = await write(limiter, database, 8, 2_000);
  assert.ok(later.share(4) > 0.8, `${later.share(4)}`);
});

test('large records among small ones do not look like a crowd', async () => {
  const database: Database = { cores: 4, noise: 1.2, largeEvery: 3 };
  const { share } = await write(adaptiveStatementLimiter(4), database, 8, 4_000);
  assert.ok(share(4) > 0.8, `${share(4)}`);
});

test('a fixed number of places stays', async () => {
  const { share, most } = await write(fixedStatementLimiter(2), { cores: 6 }, 8, 500);
  assert.deepEqual([share(2), most], [1, 2]);
});

test('a statement that fails gives its place back, and its error to who sent it', async () => {
  const limiter = fixedStatementLimiter(1);
  await assert.rejects(
    limiter.run(() => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await limiter.run(() => Promise.resolve('yes')), 'yes');
});
