/** What a poller reads while many records are locked, and the throttle stands still for that between two batches. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimRange } from '@rekey/data';
import {
  createHeartbeats,
  createRateLimiter,
  createWatchingThrottle,
  fixedBatchSize,
  fixedStatementLimiter,
  type RotationEnvironment,
  rotate,
  type Throttle,
} from '@rekey/rotation';
import type { WaitingDetail } from '../../packages/control/src/rotation-view.ts';
import { prepareSweep } from '../../packages/rotation/src/advance.ts';
import { createHeartbeat } from '../../packages/rotation/src/heartbeat.ts';
import { createLockWait } from '../../packages/rotation/src/lock-wait.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store } = core;
const batch = 10;

function lockThrottle(): Throttle {
  return createWatchingThrottle({
    readPressure: async () => ({
      wal: 0,
      archiver: null,
      standbys: [],
      slots: [],
      activeSessions: 0,
      workers: 1,
      tables: [],
    }),
    switches: [],
    ignored: new Set(),
    lagMaxMs: 5_000,
    sessionsMax: 1_000,
    onInactive: () => {},
    note: async () => {},
    places: () => 1,
  });
}

interface Seen {
  readonly waiting_for: string | null;
  readonly waiting_detail: WaitingDetail | null;
  readonly rotated: number;
}
async function seen(rotationId: string): Promise<Seen | undefined> {
  const { rows } = await store.query<Seen>(
    `select waiting_for, waiting_detail, (select coalesce(sum(g.rotated), 0)::int from rekey.rotation_ranges g
       where g.rotation_id = r.id) as rotated from rekey.rotations r where id = $1`,
    [rotationId],
  );
  return rows[0];
}

/** Sweeps a tenant of which so many records are locked until `meanwhile` is over. What was published after that. */
async function contended(
  { records, locked, throttle }: { records: number; locked: number; throttle?: Throttle },
  meanwhile: (rotationId: string) => Promise<void>,
): Promise<Array<string | null>> {
  const { tenantId, ids } = await core.tenantWith(records);
  const holder = await core.database.pool().connect();
  await holder.query('begin');
  // By their ids, in whose order they are swept: those that are free come last.
  await holder.query('select from secrets where id = any ($1) for update', [ids.toSorted().slice(0, locked)]);
  const published: Array<string | null> = [];
  const replaced: Partial<RotationEnvironment> = {
    batchSize: fixedBatchSize(batch),
    rateLimiter: createRateLimiter(300),
    heartbeats: createHeartbeats(),
    throttle,
    publish: ({ view }) => {
      if (view.status === 'in_progress') published.push(view.waitingFor);
    },
  };
  const rotationId = await core.start(tenantId);
  const rotating = rotate(core.environment(replaced), rotationId, new AbortController().signal);
  rotating.catch(() => {}); // awaited below
  try {
    await meanwhile(rotationId);
  } finally {
    await holder.query('rollback');
    holder.release();
    published.length = 0;
    await rotating;
    throttle?.close();
  }
  const view = await core.view(rotationId);
  assert.deepEqual([view.status, view.waitingFor, view.waitingDetail], ['completed', null, null]);
  return published;
}

for (const how of ['throttled', 'not throttled'] as const) {
  test(`waitingFor says lock within the pass that meets many locked records, and no longer once they are free (${how})`, async () => {
    const throttle = how === 'throttled' ? lockThrottle() : undefined;
    const [records, locked] = [800, 400];
    const published = await contended(
      { records, locked, ...(throttle === undefined ? {} : { throttle }) },
      async (rotationId) => {
        const first = await until(
          async () => {
            const now = await seen(rotationId);
            return now?.waiting_for === 'lock' && now.waiting_detail !== null && now;
          },
          { what: 'it says that it waits for a lock' },
        );
        // Whoever waits for the end of a pass to tell has replaced by then all that were free.
        assert.ok(first.rotated < records - locked, `${first.rotated} were replaced before`);
        assert.match(
          first.waiting_detail?.what ?? '',
          /^at least \d+ records of public\.secrets are locked by other/,
        );
        if (throttle === undefined) return;
        await until(() => throttle.state?.level === 'stop', { what: 'the throttle stands still' });
        for (let look = 0; look < 60; look += 1) {
          const now = await seen(rotationId);
          assert.equal(now?.waiting_for, 'lock');
          assert.equal(now?.waiting_detail?.since, first.waiting_detail?.since);
          await sleep(50);
        }
      },
    );
    // It goes on for more than a second then, by its speed limit.
    assert.ok(published.includes(null), published.join());
    assert.equal(published.indexOf('lock', published.indexOf(null)), -1, published.join());
  });
}

test('a sweep that passes by one locked record does not say that it stands still', async () => {
  const waited: Array<string | null> = [];
  await contended({ records: 400, locked: 1 }, async (rotationId) => {
    await until(
      async () => {
        const now = await seen(rotationId);
        if ((now?.rotated ?? 0) < 399) waited.push(now?.waiting_for ?? null);
        return now?.waiting_for === 'lock';
      },
      { what: 'nothing but the locked record is left' },
    );
  });
  assert.deepEqual([...new Set(waited)], [null]);
});

test('where the throttle stands still for locks, a range says so that has met them once: others met them as well', async () => {
  const { tenantId } = await core.tenantWith(1);
  const rotationId = await core.start(tenantId);
  const sweep = await prepareSweep(core.env, rotationId, new AbortController().signal);
  const [range] = sweep?.ranges ?? [];
  assert.ok(sweep !== null && range !== undefined);
  const target = sweep.targets.get(range.target);
  const lease = await claimRange(store, range, randomUUID());
  assert.ok(target !== undefined && lease !== null);
  const env = { ...core.env, throttle: lockThrottle() };
  const leave = env.throttle.enter(rotationId, 'usual');
  const heartbeat = createHeartbeat(env, rotationId);
  const { signal } = new AbortController();
  const lockWait = () => createLockWait({ env, rotation: sweep.rotation, target, lease, heartbeat, signal });
  try {
    const once = lockWait();
    once.wrote(10, 10);
    await once.tell();
    assert.equal((await seen(rotationId))?.waiting_for, null, 'once is no wait yet');
    const isStopped = (): boolean => env.throttle.state?.level === 'stop';
    // Its stops are short at first, and this process may stand still meanwhile.
    await until(
      async () => {
        env.throttle.missed();
        await sleep(1);
        if (!isStopped()) return false;
        const another = lockWait();
        another.wrote(10, 10);
        await another.tell();
        return (await seen(rotationId))?.waiting_for === 'lock';
      },
      { what: 'it says that it waits for a lock' },
    );
  } finally {
    leave();
    env.throttle.close();
  }
});

test('a range that waits for its turn, however long, is not without a worker', async () => {
  const { tenantId } = await core.tenantWith(50);
  const rotationId = await core.start(tenantId);
  const statementLimiter = fixedStatementLimiter(1);
  const turn = Promise.withResolvers<void>();
  const taken = statementLimiter.run(() => turn.promise);
  const rotating = rotate(
    core.environment({ statementLimiter, heartbeats: createHeartbeats() }),
    rotationId,
    new AbortController().signal,
  );
  rotating.catch(() => {}); // awaited below
  try {
    const versionOf = async (): Promise<number> => {
      const { rows } = await store.query<{ version: string; phase: string }>(
        'select version, phase from rekey.rotations where id = $1',
        [rotationId],
      );
      return rows[0]?.phase === 'sweeping' ? Number(rows[0].version) : 0;
    };
    const before = await until(versionOf, { what: 'it is swept' });
    await until(async () => (await versionOf()) >= before + 2, { what: 'it has beaten twice' });
  } finally {
    turn.resolve();
    await Promise.all([taken, rotating]);
  }
  assert.equal((await core.view(rotationId)).status, 'completed');
});
