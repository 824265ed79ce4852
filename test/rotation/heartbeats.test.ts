import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeUp } from '@rekey/control';
import {
  createHeartbeats,
  createRateLimiter,
  fixedBatchSize,
  type RotationEnvironment,
  rotate,
} from '@rekey/rotation';
import { heartbeatEveryMs } from '@rekey/times';
import { createHeartbeat, type Heartbeats } from '../../packages/rotation/src/heartbeat.ts';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const database = new URL(core.database.url).pathname.slice(1);

/** How often a rotation of three ranges at once beats, as Postgres counts it, and how often it may. */
async function heartbeatsOf(replaced: Partial<RotationEnvironment>): Promise<{ made: number; most: number }> {
  const { tenantId } = await seedTenant(core.vault, 4_000);
  const rotationId = await core.start(tenantId);
  const env = core.environment({
    ...replaced,
    batchSize: fixedBatchSize(20),
    rateLimiter: createRateLimiter(2_000),
  });
  const before = await counted();
  const began = performance.now();
  assert.equal(await rotate(env, rotationId, new AbortController().signal), 'done');
  const most = Math.floor((performance.now() - began) / 200) + 1;
  // Counts come with a session's end, or up to a second later.
  await Promise.all([env.store.end(), env.sweepStore.end()]);
  return { made: (await counted()) - before, most };
}

async function counted(): Promise<number> {
  const { rows } = await core.pool.query<{ calls: string }>(
    `select calls from pg_stat_user_functions where schemaname = 'rekey' and funcname = 'beat'`,
  );
  return Number(rows[0]?.calls ?? 0);
}

/** How often ranges beat that have something to say all the while, and how often they may. */
async function touched(heartbeats: Heartbeats | undefined): Promise<{ made: number; most: number }> {
  const rotationId = await core.start(await core.createTenant());
  await takeUp(core.store, rotationId);
  let made = 0;
  const publish = (): void => {
    made += 1;
  };
  const ranges = [1, 2, 3].map(() => createHeartbeat({ store: core.store, heartbeats, publish }, rotationId));
  const began = performance.now();
  while (performance.now() - began < 3_000) {
    for (const range of ranges) range.touch();
    await sleep(10);
  }
  return { made, most: Math.floor((performance.now() - began) / heartbeatEveryMs) + 1 };
}

test('however many ranges of a rotation a process sweeps, it beats once for it', async (t) => {
  await core.pool.query(`alter database "${database}" set track_functions = 'all'`);
  const shared = await heartbeatsOf({ heartbeats: createHeartbeats() });
  assert.ok(shared.made > 2 && shared.made <= shared.most, JSON.stringify(shared));
  const together = await touched(createHeartbeats());
  assert.ok(together.made > 2 && together.made <= together.most, JSON.stringify(together));
  // What this test looks for it would see, where the machine lets every range beat when it would.
  await upToThreeTimes(t, async () => {
    const each = await touched(undefined);
    t.diagnostic(
      `${together.made} of at most ${together.most}; ${each.made} where each range beats for itself`,
    );
    assert.ok(each.made > each.most, JSON.stringify(each));
  });
});

test('heartbeats go on when the clock of the machine is set back', async (t) => {
  const rotationId = await core.start(await core.createTenant());
  await takeUp(core.store, rotationId);
  let made = 0;
  const publish = (): void => {
    made += 1;
  };
  const heartbeat = createHeartbeat(
    { store: core.store, heartbeats: createHeartbeats(), publish },
    rotationId,
  );
  const beatsOnce = async (): Promise<void> => {
    const before = made;
    await until(
      () => {
        heartbeat.touch();
        return made > before;
      },
      { what: 'a heartbeat' },
    );
  };
  await beatsOnce();
  const { now } = Date;
  t.mock.method(Date, 'now', () => now() - 2 * 3_600_000);
  await beatsOnce();
});
