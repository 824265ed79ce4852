import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callApi } from './clients/api-client.ts';
import { seedTenants } from './clients/records.ts';
import { openHistory } from './history.ts';
import { longPlan } from './plan.ts';
import { createRandom } from './random.ts';
import { openWorld, type World } from './world/world.ts';

export interface KillsReport {
  readonly kills: number;
  readonly status: string;
  /** The longest time after a kill until the rotation was seen to go on. */
  readonly longestPauseMs: number;
}

const records = 80_000;
/** What a killed worker may cost. */
const pauseMaxMs = 30_000;

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
  // Batches so small that one rotation outlasts all the kills.
  const plan = { ...longPlan(seed, 30), workers: 2, batchSize: 2 };
  const world = await openWorld(plan, history, folder);
  try {
    const [tenant] = await seedTenants(world.apps[0].vault, history, [records]);
    const [api] = world.apis;
    if (tenant === undefined || api === undefined) throw new Error('nothing to rotate');
    const { tenantId } = tenant;
    const call = { what: 'rotate', tenantId, id: null, idempotencyKey: randomUUID() } as const;
    const { body } = await callApi(world, api, call);
    const rotationId = body?.data.rotationId.slice('rot-'.length) ?? '';
    let longestPauseMs = 0;
    let kills = 0;
    let now = await progressOf(world, rotationId);
    while (kills < times && now.status === 'in_progress' && !signal.aborted) {
      await sleep(random.integer(20, 400));
      const slot = random.pick(world.workers);
      if (!(await slot.ready())) continue;
      const before = await progressOf(world, rotationId);
      const began = performance.now();
      slot.kill('SIGKILL');
      await slot.exited();
      kills += 1;
      do {
        await sleep(50);
        now = await progressOf(world, rotationId);
      } while (
        now.status === 'in_progress' &&
        now.done <= before.done &&
        performance.now() - began < pauseMaxMs
      );
      const pauseMs = performance.now() - began;
      longestPauseMs = Math.max(longestPauseMs, pauseMs);
      log(
        `kill ${kills}: ${slot.name}, ${Math.round(pauseMs)} ms until ${now.done} of ${records}, ${now.status}`,
      );
    }
    const deadline = performance.now() + 180_000;
    while (now.status === 'in_progress' && performance.now() < deadline && !signal.aborted) {
      await sleep(200);
      now = await progressOf(world, rotationId);
    }
    await history.close();
    return { kills, status: now.status, longestPauseMs: Math.round(longestPauseMs) };
  } finally {
    await world.close();
  }
}

async function progressOf({ pool }: World, rotationId: string): Promise<{ status: string; done: number }> {
  const { rows } = await pool.query<{ status: string; done: string }>(
    `select status, (select coalesce(sum(rotated + case when proved_at is null then 0 else 1 end), 0)
       from rekey.rotation_ranges g where g.rotation_id = r.id) as done
     from rekey.rotations r where id = $1`,
    [rotationId],
  );
  const [found] = rows;
  if (found === undefined) throw new Error('the rotation is gone');
  return { status: found.status, done: Number(found.done) };
}
