/** What each signal says of what it reads, and that nothing that was read too late counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pressure } from '@rekey/control';
import { ignoredNames } from '../../apps/worker/src/throttle/ignored-names.ts';
import { groupsToOpen } from '../../packages/rotation/src/forecast/open-records.ts';
import { quiet, type Reading, Unreadable } from '../../packages/rotation/src/throttle/signal.ts';
import { deadTuplesSignal } from '../../packages/rotation/src/throttle/signals/dead-tuples.ts';
import { lagSignal } from '../../packages/rotation/src/throttle/signals/lag.ts';
import { loadSignal } from '../../packages/rotation/src/throttle/signals/load.ts';
import { walArchiveSignal } from '../../packages/rotation/src/throttle/signals/wal-archive.ts';
import { createWatch } from '../../packages/rotation/src/throttle/watch.ts';

const gib = 1_073_741_824;
const calm: Pressure = {
  wal: 10 * gib,
  archiver: null,
  standbys: [],
  slots: [],
  activeSessions: 0,
  workers: 1,
  tables: [],
};
const level = async (signal: { read(): Promise<Reading> }): Promise<string> => (await signal.read()).level;

test('a WAL archive slows when it is behind, stops when it fails, and is not to be read before its first file', async () => {
  let archiver: Pressure['archiver'] = null;
  const signal = walArchiveSignal(async () => ({ ...calm, archiver }), 0);
  assert.equal(await level(signal), 'none');
  const well = { isFailing: false, lastFailed: null };
  for (const [behindBytes, expected] of [
    [gib / 2, 'none'],
    [2 * gib, 'slow'],
    [5 * gib, 'stop'],
  ] as const) {
    archiver = { ...well, behindBytes };
    assert.equal(await level(signal), expected, `${behindBytes}`);
  }
  archiver = { ...well, isFailing: true, behindBytes: 0 };
  assert.equal(await level(signal), 'stop');
  archiver = { ...well, behindBytes: null };
  await assert.rejects(signal.read(), Unreadable);
});

test('tables with more dead rows than a sweep makes slow it', async () => {
  let table = { name: 'secrets', live: 1_000_000, dead: 1_000_000 };
  const signal = deadTuplesSignal(async () => ({ ...calm, tables: [table] }), 0);
  assert.equal(await level(signal), 'none');
  table = { ...table, dead: 2_100_000 };
  assert.equal(await level(signal), 'slow');
  table = { name: 'small', live: 10, dead: 90_000 };
  assert.equal(await level(signal), 'none');
});

const limits = { slowMs: 20, stopMs: 60 };
const standby = (position: number) => ({
  name: 'replica',
  pid: 1,
  received: position,
  replayed: position,
  slot: null,
});

test('a standby that falls behind stops the sweep, and positions of before a restore are forgotten', async () => {
  let [wal, reached] = [10 * gib, 10 * gib];
  const told: string[] = [];
  const signal = lagSignal(async () => ({ ...calm, wal, standbys: [standby(reached)] }), 0, {
    limits,
    ignored: new Set(),
    onInactive: (slot) => told.push(slot),
  });
  for (let step = 0; step < 3; step += 1) {
    assert.equal(await level(signal), 'none', 'it keeps up');
    wal += 1_000;
    reached = wal;
    await sleep(5);
  }
  wal += 1_000;
  await signal.read();
  await sleep(limits.stopMs + 20);
  assert.equal(await level(signal), 'stop');
  // Another server answers, whose WAL ends before: whoever has all of that is not behind.
  [wal, reached] = [5 * gib, 5 * gib];
  assert.equal(await level(signal), 'none');
  await sleep(limits.stopMs + 20);
  assert.equal(await level(signal), 'none');
  assert.deepEqual(told, []);
});

test('whoever follows without a name is watched, also where names are left out, and so is its slot', async () => {
  assert.deepEqual([...ignoredNames(undefined)], []);
  assert.deepEqual(
    [...ignoredNames(`, walreceiver,,a standby's "own" name , Größe,`)],
    ['walreceiver', `a standby's "own" name`, 'Größe'],
  );
  for (const text of [undefined, ',', 'another one, ,']) {
    let wal = 10 * gib;
    let keepsBytes = 0;
    const nameless = { ...standby(wal), name: '', slot: 'feed' };
    const feed = () => ({ name: 'feed', isActive: true, keepsBytes, isLost: false });
    const pressure = async () => ({ ...calm, wal, standbys: [nameless], slots: [feed()] });
    const signal = lagSignal(pressure, 0, { limits, ignored: ignoredNames(text), onInactive: () => {} });
    assert.equal(await level(signal), 'none');
    wal += gib;
    await signal.read();
    await sleep(limits.stopMs + 20);
    const { level: found, detail } = (await signal.read()) as { level: string; detail: string };
    assert.equal(found, 'stop', String(text));
    assert.match(detail, /^a standby without a name \(process 1\) is/);
    nameless.received = wal;
    nameless.replayed = wal;
    assert.equal(await level(signal), 'none');
    keepsBytes = 3 * gib;
    assert.match(((await signal.read()) as { detail: string }).detail, /^the slot feed keeps 3,072 MiB/);
  }
});

test('a slot that somebody reads slows and stops by how much more it keeps; one that nobody reads is told once', async () => {
  let slot = { name: 'feed', isActive: true, keepsBytes: 0, isLost: false };
  const told: string[] = [];
  const signal = lagSignal(async () => ({ ...calm, slots: [slot] }), 0, {
    limits,
    ignored: new Set(['mine']),
    onInactive: (name) => told.push(name),
  });
  const at = async (change: Partial<typeof slot>): Promise<string> => {
    slot = { ...slot, ...change };
    return level(signal);
  };
  assert.equal(await at({ keepsBytes: gib }), 'none', 'it is judged by its best');
  assert.equal(await at({ keepsBytes: 1.6 * gib }), 'slow');
  assert.equal(await at({ keepsBytes: 3.1 * gib }), 'stop');
  assert.equal(await at({ name: 'mine', keepsBytes: 9 * gib }), 'none');
  for (let look = 0; look < 2; look += 1) assert.equal(await at({ name: 'dead', isActive: false }), 'none');
  assert.deepEqual(told, ['dead']);
});

test('without pg_monitor standbys are said to be unreadable', async () => {
  const signal = lagSignal(async () => ({ ...calm, standbys: null }), 0, {
    limits,
    ignored: new Set(),
    onInactive: () => {},
  });
  await assert.rejects(signal.read(), Unreadable);
});

test('a sweep yields from the first look at a busy application on, until there is much less', async () => {
  let activeSessions: number | null = 0.3;
  const signal = loadSignal(async () => ({ ...calm, activeSessions }), 0, 0.2);
  assert.equal(await level(signal), 'slow', 'nobody waits for an average');
  activeSessions = 0.15;
  for (let look = 0; look < 30; look += 1) assert.equal(await level(signal), 'slow', 'it has not ebbed');
  activeSessions = 0.1;
  for (let look = 0; look < 30; look += 1) await level(signal);
  assert.equal(await level(signal), 'none');
  activeSessions = 0.3;
  assert.equal(await level(signal), 'none', 'one look is no average');
  activeSessions = null;
  await assert.rejects(signal.read(), Unreadable);
});

test('what was being read when all was forgotten does not count', async () => {
  const reads: Array<PromiseWithResolvers<Reading>> = [];
  let heard = 0;
  const unreadable: Array<string | null> = [];
  const slow = {
    name: 'http',
    everyMs: 0,
    read: () => {
      const read = Promise.withResolvers<Reading>();
      reads.push(read);
      return read.promise;
    },
  } as const;
  const watch = createWatch(
    [slow],
    (_, reason) => unreadable.push(reason),
    () => {
      heard += 1;
    },
  );
  watch.look();
  watch.forget();
  reads[0]?.resolve({ level: 'stop', detail: 'late' });
  await sleep(1);
  assert.deepEqual([watch.worst().level, heard, unreadable], ['none', 0, []]);
  watch.look();
  reads[1]?.resolve({ level: 'stop', detail: 'in time' });
  await sleep(1);
  assert.deepEqual([watch.worst().level, heard], ['stop', 1]);
  watch.look();
  reads[2]?.reject(new Unreadable('why'));
  await sleep(1);
  assert.deepEqual([watch.worst().level, unreadable.at(-1)], [quiet.level, 'why']);
});

test('records of a sample are opened in groups that a worker’s memory has room for', () => {
  const mib = 1_048_576;
  const groups = (sizes: readonly number[]): number[] =>
    [...groupsToOpen(sizes.map((bytes, id) => ({ id: String(id), bytes })))].map(({ length }) => length);
  assert.deepEqual(groups([]), []);
  assert.deepEqual(groups([16 * mib, 16 * mib, 16 * mib]), [1, 1, 1]);
  assert.deepEqual(groups([mib, mib, mib, mib]), [3, 1]);
  assert.deepEqual(groups(Array.from({ length: 2_000 }, () => 300)), [1_600, 400]);
});
