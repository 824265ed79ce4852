import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApplication } from '../harness/application.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { contradictions, poll } from '../harness/poller.ts';
import type { SeededTenant } from '../harness/seed.ts';
import { watchStalls } from '../harness/stalls.ts';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const records = 100_000;
/** For how long a killed worker may have nothing go on: its locks and leases lapse, and the other one takes over. */
const crashCostMs = 15_000;

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 2 });

/** What the application of the rotation before left behind. */
let versions: ReadonlyMap<string, number> = new Map();

/** The longest time in which nothing is swept, seen every 100 ms, from now until it is stopped. */
function watchStandstill(rotationId: string): { stop(): Promise<{ fromMs: number; toMs: number }> } {
  let longest = { fromMs: 0, toMs: 0 };
  const stopping = new AbortController();
  const watching = (async () => {
    for (let [last, fromMs] = ['', performance.now()]; ; ) {
      const { rows } = await pool.query<{ rotated: string; ended: boolean }>(
        `select (select sum(rotated) from rekey.rotation_ranges where rotation_id = r.id) as rotated,
           r.status <> 'in_progress' as ended from rekey.rotations r where r.id = $1`,
        [rotationId.slice(4)],
      );
      const [now] = rows;
      const toMs = performance.now();
      if (toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs };
      if (now === undefined || now.ended || stopping.signal.aborted) return longest;
      if (now.rotated !== last) [last, fromMs] = [now.rotated, toMs];
      await sleep(100);
    }
  })();
  watching.catch(() => {});
  return {
    stop() {
      stopping.abort();
      return watching;
    },
  };
}

/** One rotation under five readers and two writers, with `harm` in mid-sweep; for how long nothing went on after it. */
async function rotateUnderLoad(
  t: TestContext,
  what: string,
  tenant: SeededTenant,
  harm: () => Promise<void>,
): Promise<number> {
  const application = startApplication(rekey, tenant, versions);
  const atWork = () => {
    const { writes, reads, retries, errors } = application.seen;
    assert.ok(
      writes > 20,
      `${writes} writes, ${reads} reads, ${retries} retries, ${errors.length} errors: ${errors[0]}`,
    );
    return true;
  };
  await until(atWork, { what: 'the application is at work' });
  const stalls = await watchStalls(pool);
  const began = performance.now();
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const poller = poll(rekey, rotationId);
  await until(async () => sums((await rekey.status(rotationId)).body.data).rotated > records / 4, {
    what: 'a quarter is swept',
    timeoutMs: 60_000,
  });
  const standstill = watchStandstill(rotationId);
  await harm();
  const ended = await rekey.ended(rotationId, { timeoutMs: 180_000 });
  const ms = performance.now() - began;
  const stood = await standstill.stop();
  await application.stop();
  versions = application.versions();
  await Promise.all([poller.stop(), stalls.stop()]);

  assert.equal(ended.status, 'completed');
  const { seen } = application;
  assert.deepEqual(seen.errors, []);
  assert.deepEqual(seen.lost, []);
  assert.deepEqual(contradictions(poller.answers.map(({ body }) => body.data)), []);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), application.expected()), []);
  const { rows } = await pool.query<{ switched: Date; deadlocks: string }>(
    `select switched_at as switched, (select deadlocks from pg_stat_database where datname = current_database())
     from rekey.rotations where id = $1`,
    [rotationId.slice(4)],
  );
  assert.equal(rows[0]?.deadlocks, '0', 'Postgres had no deadlock to resolve');
  const switchedMs = rows[0].switched.getTime();
  const around = seen.writeLatencies.filter(({ atMs }) => Math.abs(atMs - switchedMs) < 1_500);
  const longest = Math.max(
    ...around.map(({ beganMs, endedMs, ms }) => ms - stalls.between(beganMs, endedMs)),
  );
  assert.ok(
    around.length > 0 && longest < 1_000,
    `${around.length} writes around the switch, of up to ${longest} ms`,
  );
  t.diagnostic(
    `${what}: ${Math.round(ms)} ms (${Math.round((records * 1_000) / ms)} records/s) beside ${seen.reads} reads and ` +
      `${seen.writes} transactions, ${seen.retries} of them twice; longest write around the switch ` +
      `${Math.round(longest)} ms, in all ${Math.round(Math.max(...seen.writeLatencies.map((write) => write.ms)))} ms; ` +
      `${ended.itemsSuperseded.secrets} secrets superseded`,
  );
  const stoodMs = stood.toMs - stood.fromMs - stalls.between(stood.fromMs, stood.toMs);
  t.diagnostic(`${what}: for ${Math.round(stoodMs)} ms nothing was swept`);
  return stoodMs;
}

test('a worker killed in mid-sweep of 100,000 records in use has nothing stand still for 15 s, and costs the application nothing', async (t) => {
  const tenant = await rekey.seedTenant(records);
  await rotateUnderLoad(t, 'without a kill', tenant, async () => {});
  const stoodMs = await rotateUnderLoad(t, 'with a kill', tenant, async () => {
    const [worker] = rekey.workers;
    worker?.kill('SIGKILL');
    await worker?.exited;
  });
  assert.ok(stoodMs < crashCostMs, `${stoodMs} ms`);
});
