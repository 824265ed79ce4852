import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosTenant } from './clients/records.ts';
import type { Running } from './clients/rotators.ts';
import { applicationFaults } from './faults/applications.ts';
import { dataFaults } from './faults/data.ts';
import { databaseFaults } from './faults/database.ts';
import { deliveryFaults } from './faults/delivery.ts';
import type { Fault, FaultTools, Sighting } from './faults/fault.ts';
import { foundationFaults } from './faults/foundations.ts';
import { type FaultKind, faultKinds, kinds, type Lane, lanes } from './faults/kinds.ts';
import { kmsFaults } from './faults/kms.ts';
import { refusing } from './faults/kms-server-kinds.ts';
import { kmsServerFaults } from './faults/kms-servers.ts';
import { linkFaults } from './faults/links.ts';
import { pointFaults } from './faults/points.ts';
import { processFaults } from './faults/processes.ts';
import { serverFaults } from './faults/servers.ts';
import type { Plan } from './plan.ts';
import { createRandom, type Random } from './random.ts';
import type { Slot } from './world/slot.ts';
import type { World } from './world/world.ts';

const faults: Record<FaultKind, Fault> = {
  ...processFaults,
  ...pointFaults,
  ...serverFaults,
  ...linkFaults,
  ...kmsFaults,
  ...kmsServerFaults,
  ...dataFaults,
  ...deliveryFaults,
  ...applicationFaults,
  ...databaseFaults,
  ...foundationFaults,
};

interface Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly tenants: readonly ChaosTenant[];
  readonly running: Running;
  readonly held: Set<string>;
  readonly log: (line: string) => void;
}

/** Injects faults, lane beside lane, each kind as often as any other, until the signal or the rounds are over. */
export async function unleash(stage: Stage, signal: AbortSignal): Promise<void> {
  const random = createRandom(stage.plan.seed);
  const borrow = lending(stage.world.workers);
  await Promise.all(lanes.map((lane) => run(stage, lane, random.fork(lane), borrow, signal)));
}

async function run(
  { world, plan, tenants, running, held, log }: Stage,
  lane: Lane,
  random: Random,
  borrow: Borrow,
  signal: AbortSignal,
): Promise<void> {
  const mine = faultKinds.filter((kind) => kinds[kind].lane === lane && !plan.without.includes(kind));
  for (let round = 0; round < plan.roundsMax && mine.length > 0; round += 1) {
    for (const kind of inOrder(random.shuffled(mine), plan)) {
      if (signal.aborted) return;
      await sleep(random.integer(...plan.gapMs), undefined, { signal }).catch(() => {});
      const borrowed: Slot[] = [];
      const tools: FaultTools = {
        world,
        random,
        tenants,
        running,
        held,
        kmsFaultMs: plan.kmsFaultMs,
        signal,
        async worker(fits = () => true) {
          const slot = await borrow.take(random, (each) => fits(each) || borrowed.includes(each));
          borrowed.push(slot);
          return slot;
        },
        within,
      };
      const b = world.history.now();
      const {
        seen,
        detail,
        kek,
        tenants: few,
      } = await faults[kind](tools).catch(
        (error: unknown): Sighting => ({ seen: false, detail: String(error).slice(0, 200) }),
      );
      borrow.giveBack(borrowed);
      const e = world.history.now();
      const who = kek === undefined || few === undefined ? {} : { kek, tenants: [...few] };
      world.history.add({ t: 'fault', kind, b, e, seen, harms: kinds[kind].harms, ...who, detail });
      log(`${(b / 1_000).toFixed(1).padStart(7)} s  ${kind}  ${seen ? '' : 'NOT SEEN '}${detail}`);
    }
  }
}

const refusals: ReadonlySet<string> = new Set(refusing);

/** Whoever is refused by a KMS waits for half a minute before it asks again: in a short run that begins early. */
function inOrder(shuffled: readonly FaultKind[], { refusalsFirst }: Plan): readonly FaultKind[] {
  if (!refusalsFirst) return shuffled;
  return [
    ...shuffled.filter((kind) => refusals.has(kind)),
    ...shuffled.filter((kind) => !refusals.has(kind)),
  ];
}

async function within(ms: number, what: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const inTime = what.then(
    () => true,
    () => false,
  );
  const tooLate = sleep(ms, false, { signal: late.signal, ref: false }).catch(() => false);
  const done = await Promise.race([inTime, tooLate]);
  late.abort();
  return done;
}

interface Borrow {
  take(random: Random, fits: (slot: Slot) => boolean): Promise<Slot>;
  giveBack(slots: readonly Slot[]): void;
}

/** Two lanes do not harm the same worker, so that what is seen can be told from what was done. */
function lending(all: readonly Slot[]): Borrow {
  const lent = new Set<Slot>();
  return {
    async take(random, fits) {
      for (;;) {
        const free = all.filter((slot) => !lent.has(slot) && fits(slot));
        if (free.length > 0) {
          const slot = random.pick(free);
          lent.add(slot);
          return slot;
        }
        await sleep(50);
      }
    },
    giveBack(slots) {
      for (const slot of slots) lent.delete(slot);
    },
  };
}
