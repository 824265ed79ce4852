import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDatabase, leftBehind } from './checks/database.ts';
import { checkDeks } from './checks/deks.ts';
import { checkGrowth } from './checks/growth.ts';
import { judge } from './checks/judge.ts';
import { livesOf } from './checks/kms-calls.ts';
import { checkLeaks } from './checks/leaks.ts';
import { chooser } from './clients/choosers.ts';
import { plainWriter } from './clients/plain-writer.ts';
import { prober } from './clients/probes.ts';
import { type Client, reader, readOnce } from './clients/readers.ts';
import { type ChaosTenant, seedTenants } from './clients/records.ts';
import { rewrapper } from './clients/rewrappers.ts';
import { type Running, rotator } from './clients/rotators.ts';
import { staleWriter } from './clients/stale-writer.ts';
import { steerer } from './clients/steerer.ts';
import { writer } from './clients/writers.ts';
import { gauges } from './gauges.ts';
import { openHistory } from './history.ts';
import { lockWaits } from './lock-waits.ts';
import { unleash } from './nemesis.ts';
import type { Plan } from './plan.ts';
import { createRandom } from './random.ts';
import type { Report } from './report.ts';
import { stalls } from './stalls.ts';
import { kmsWaits } from './waits.ts';
import { watcher } from './watcher.ts';
import { openWorld, type World } from './world/world.ts';

const settleMs = 1_500;
const rewrappers = 2;
/** Records of which writers share the write load; the rest is read and swept. */
const writtenShare = 0.3;

/** One run: world, load, faults, quiet, judgement. `folder` takes the history and the logs. */
export async function run(
  plan: Plan,
  folder: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const began = new Date();
  const history = openHistory(join(folder, 'history.jsonl'));
  const world = await openWorld(plan, history, folder);
  try {
    const tenants = await seedTenants(world.operator, history, plan.tenants);
    const running: Running = new Map();
    const held = new Set<string>();
    const stop = new AbortController();
    const rotatorsStop = new AbortController();
    const watching = watcher(world, tenants);
    const onEnded = (rotationId: string): void => void lookBehind(world, rotationId);

    const clients = applicationClients(world, plan, tenants).map((client) => client(stop.signal));
    await sleep(settleMs); // their connections are made before the APIs and workers make theirs
    const rotators = tenants.map(({ tenantId }, i) =>
      rotator(world, {
        tenantId,
        running,
        held,
        onEnded,
        random: createRandom(plan.seed).fork(`rotator ${i}`),
      })(rotatorsStop.signal),
    );
    const keks = ['local', ...world.kms.all.keys()];
    const ofKeks = { tenants, keks, random: createRandom(plan.seed).fork('choices') };
    const exchangers = [
      chooser(world, ofKeks)(rotatorsStop.signal),
      ...Array.from({ length: rewrappers }, (_, i) => {
        const random = createRandom(plan.seed).fork(`rewrapper ${i}`);
        return rewrapper(world, { ...ofKeks, random })(rotatorsStop.signal);
      }),
    ];
    const steering = steerer(world, running, createRandom(plan.seed).fork('steerer'))(rotatorsStop.signal);
    const gauging = gauges(world);
    const watchmen = [
      watching.watch(stop.signal),
      gauging.take(stop.signal),
      lockWaits(world, stop.signal),
      kmsWaits(world, stop.signal),
      stalls(history, stop.signal),
      ...[...world.workers, ...world.apis].map((slot) => prober(history, slot)(stop.signal)),
    ];
    await sleep(settleMs);
    log(`${tenants.length} tenants, ${clients.length} application clients: the faults begin.`);

    const faultsOver = AbortSignal.any([AbortSignal.timeout(plan.durationMs), signal]);
    await unleash({ world, plan, tenants, running, held, log }, faultsOver);
    log('The faults are over.');
    const endedMs = await everythingEnds(world, plan, rotatorsStop);
    await Promise.all([...rotators, ...exchangers, steering]);
    stop.abort();
    await Promise.all([...clients, ...watchmen]);
    const records = tenants.flatMap((tenant) => [...tenant.records, ...tenant.victims]);
    for (const record of records) await readOnce(world.apps[0].vault, history, record);

    const leaks = await checkLeaks(world);
    const database = await checkDatabase(world.pool);
    const deks = await checkDeks(world, livesOf(gauging.taken));
    await history.close();
    const judgement = await judge(history.file);
    return {
      plan,
      began,
      judgement,
      usages: leaks.usages,
      kms: deks.figures,
      kmsWork: deks.work,
      gauges: gauging.taken,
      watched: watching.watched,
      endedMs,
      violations: [
        ...judgement.violations,
        ...leaks.violations,
        ...checkGrowth(gauging.taken),
        ...database,
        ...deks.violations,
      ],
    };
  } finally {
    await world.close();
  }
}

function applicationClients(world: World, plan: Plan, tenants: readonly ChaosTenant[]): Client[] {
  const { history, apps, keks } = world;
  const random = createRandom(plan.seed).fork('application');
  const all = tenants.flatMap(({ records }) => records);
  const written = all.filter(() => random.chance(writtenShare));
  // One part for each writer, one for the writer that holds on to its key, and one for that without our library.
  const parts = Array.from({ length: plan.writers + 2 }, (_, part) =>
    written.filter((_record, i) => i % (plan.writers + 2) === part),
  );
  const [stales = [], plain = []] = parts.splice(-2);
  // Mostly what is written, so that reads meet writes.
  const often = written.filter((_record, i) => i % 7 < 5);
  return [
    ...parts.map((records, i) => {
      const app = apps[i % 2 === 0 ? 0 : 1];
      const tools = { ...app, history, random: random.fork(`writer ${i}`), name: `writer ${i}` };
      return writer(tools, records, plan.writePauseMs);
    }),
    staleWriter(
      {
        store: apps[1].store,
        checker: world.pool,
        turnstile: world.turnstile,
        keks,
        history,
        random: random.fork('stale'),
      },
      stales,
    ),
    plainWriter({ store: apps[0].store, keks, history, random: random.fork('plain'), name: 'plain' }, plain),
    ...Array.from({ length: plan.readers }, (_, i) =>
      reader(
        apps[i % 2 === 0 ? 0 : 1].vault,
        history,
        i % 3 === 0 ? all : often,
        random.fork(`reader ${i}`),
        plan.readPauseMs,
      ),
    ),
  ];
}

async function lookBehind({ pool, history }: World, rotationId: string): Promise<void> {
  const left = await leftBehind(pool, rotationId.slice('rot-'.length)).catch(() => 0);
  if (left > 0)
    history.violation('nothing on an older DEK', `${left} records behind the end of ${rotationId}`);
}

/** Lets every rotation and rewrap that was accepted come to its end, and begins no other; how long that took. */
async function everythingEnds(world: World, plan: Plan, rotatorsStop: AbortController): Promise<number> {
  const began = performance.now();
  rotatorsStop.abort();
  while (performance.now() - began < plan.endWithinMs) {
    const { rows } = await world.pool
      .query(
        `select 1 from rekey.rotations where completed_at is null
         union all select 1 from rekey.rewraps where completed_at is null`,
      )
      .catch(() => ({ rows: [1] }));
    if (rows.length === 0) break;
    await sleep(250);
  }
  return Math.round(performance.now() - began);
}
