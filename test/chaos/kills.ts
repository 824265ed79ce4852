import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callApi } from './clients/api-client.ts';
import { seedTenants } from './clients/records.ts';
import { openHistory } from './history.ts';
import { killsPlan } from './plan.ts';
import { createRandom } from './random.ts';
import { type RangeLook, type Takeovers, trackTakeovers } from './takeovers.ts';
import { openWorld, type World } from './world/world.ts';

export interface KillsReport {
  /** SIGKILLs of a worker at work while the rotation was in progress. */
  readonly kills: number;
  readonly status: string;
  /** After each kill, the time until the rotation was seen to go on. */
  readonly pausesMs: readonly number[];
  /** For each range whose worker was killed, how long it had stood still when another one took it. */
  readonly takeoversMs: readonly number[];
}

/** What a killed worker may cost before we stop to wait for it. */
const pauseMaxMs = 30_000;
const endWithinMs = 90_000;
/** With which the rest is swept once all kills are done. */
const lastBatchSize = 500;

/** Kills a worker, again and again, while one rotation runs; waits each time until that rotation goes on. */
export async function killInARow(
  times: number,
  seed: number,
  folder: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<KillsReport> {
  const random = createRandom(seed);
  const history = openHistory(join(folder, 'history.jsonl'));
  const plan = killsPlan(seed);
  const world = await openWorld(plan, history, folder);
  try {
    const rotationId = await startRotation(world, plan.tenants);
    const takeovers = trackTakeovers();
    const pausesMs: number[] = [];
    let now = await progressOf(world, rotationId, takeovers);
    while (pausesMs.length < times && now.status === 'in_progress' && !signal.aborted) {
      await sleep(random.integer(20, 400));
      const slot = random.pick(world.workers);
      const before = await progressOf(world, rotationId, takeovers);
      if (before.status !== 'in_progress' || !(await slot.ready())) continue;
      const began = performance.now();
      const exited = slot.exited();
      slot.kill('SIGKILL');
      if ((await exited).signal !== 'SIGKILL') continue;
      do {
        await sleep(50);
        now = await progressOf(world, rotationId, takeovers);
      } while (
        now.status === 'in_progress' &&
        now.done <= before.done &&
        performance.now() - began < pauseMaxMs
      );
      const pauseMs = Math.round(performance.now() - began);
      if (now.status !== 'in_progress') break; // it ended in that moment: not a kill that it had to survive
      pausesMs.push(pauseMs);
      log(`kill ${pausesMs.length}: ${slot.name}, ${pauseMs} ms until ${now.done} of ${plan.tenants[0]}`);
    }
    const status = await lastStretch(world, rotationId, takeovers, signal);
    await history.close();
    return { kills: pausesMs.length, status, pausesMs, takeoversMs: takeovers.silencesMs };
  } finally {
    await world.close();
  }
}

async function startRotation(world: World, sizes: readonly number[]): Promise<string> {
  const [tenant] = await seedTenants(world.operator, world.history, sizes);
  const [api] = world.apis;
  if (tenant === undefined || api === undefined) throw new Error('nothing to rotate');
  const { tenantId } = tenant;
  const call = { what: 'rotate', tenantId, id: null, idempotencyKey: randomUUID() } as const;
  const { body } = await callApi(world, api, call);
  if (body?.success !== true) throw new Error('the rotation was not started');
  return body.data.rotationId.slice('rot-'.length);
}

/** Lets the rotation come to its end, with workers that do not dawdle any more; what it ended as. */
async function lastStretch(
  world: World,
  rotationId: string,
  takeovers: Takeovers,
  signal: AbortSignal,
): Promise<string> {
  for (const slot of world.workers) {
    slot.setEnv({ BATCH_SIZE: String(lastBatchSize) });
    slot.kill('SIGTERM');
  }
  const deadline = performance.now() + endWithinMs;
  for (;;) {
    const { status } = await progressOf(world, rotationId, takeovers);
    if (status !== 'in_progress' || performance.now() > deadline || signal.aborted) return status;
    await sleep(100);
  }
}

async function progressOf(
  { pool, history }: World,
  rotationId: string,
  takeovers: Takeovers,
): Promise<{ status: string; done: number }> {
  const rotations = await pool.query<{ status: string }>('select status from rekey.rotations where id = $1', [
    rotationId,
  ]);
  const ranges = await pool.query<RangeLook & { proved: boolean }>(
    `select target || '/' || ordinal as place, owner, rotated::int as rotated, proved_at is not null as proved
     from rekey.rotation_ranges where rotation_id = $1`,
    [rotationId],
  );
  takeovers.look(history.now(), ranges.rows);
  const [found] = rotations.rows;
  if (found === undefined) throw new Error('the rotation is gone');
  const done = ranges.rows.reduce((sum, { rotated, proved }) => sum + rotated + (proved ? 1 : 0), 0);
  return { status: found.status, done };
}
