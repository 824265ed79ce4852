import { setTimeout as sleep } from 'node:timers/promises';
import type { Tripwire } from '../proxy/tripwire.ts';
import type { Slot } from '../world/slot.ts';
import { type Fault, type FaultTools, seenIf } from './fault.ts';
import { backAgain, frozenMs } from './processes.ts';

type Place = Omit<Tripwire, 'spring'>;

/** How long a trap waits for a rotation to come by. */
const patienceMs = 20_000;

/** Held back meanwhile is a statement of the killed process, with its locks if it has run: not for longer than it takes. */
const endedWithinMs = 2_000;

const commit = /^commit$/i;

/** The named points of a rotation, as a worker's statements tell them. */
export const places = {
  beforeKeyStored: { steps: [/rekey\.store_material/], moment: 'before' },
  afterKeyStored: { steps: [/rekey\.store_material/], moment: 'after' },
  // One statement that commits itself: a worker can stand still before it, not within it.
  switching: { steps: [/rekey\.switch_to_dek/], moment: 'before' },
  afterSwitch: { steps: [/rekey\.switch_to_dek/], moment: 'after' },
  beforeBatch: { steps: [/^with lease as materialized/], moment: 'before' },
  beforeBatchCommit: { steps: [/^with lease as materialized/], moment: 'uncommitted' },
  afterBatchCommit: { steps: [/^with lease as materialized/], moment: 'after' },
  afterLastBatch: { steps: [/rekey\."prove_/], moment: 'before' },
  beforeProof: { steps: [/rekey\."prove_/], moment: 'uncommitted' },
  afterProof: { steps: [/rekey\."prove_/], moment: 'after' },
  afterCompleted: { steps: [/rekey\.complete_rotation/], moment: 'after' },
} as const satisfies Record<string, Place>;

/** Waits at that place in every free worker; the first to come there is harmed by `harm`, and is the result. */
async function harmAt(
  { world, signal }: FaultTools,
  place: Place,
  harm: (slot: Slot) => Promise<'pass' | 'drop'>,
): Promise<Slot | null> {
  const sprung = Promise.withResolvers<Slot | null>();
  let taken = false;
  const disarm = world.workers.map((slot) =>
    slot.postgres.arm({
      ...place,
      async spring() {
        if (taken) return 'pass';
        taken = true;
        const then = await harm(slot);
        sprung.resolve(slot);
        return then;
      },
    }),
  );
  // A harm that has begun comes to its end: a worker is not left frozen behind the back of whoever judges what is left.
  const giveUp = (): void => {
    if (!taken) sprung.resolve(null);
  };
  const timer = setTimeout(giveUp, patienceMs);
  signal.addEventListener('abort', giveUp, { once: true });
  const slot = await sprung.promise;
  clearTimeout(timer);
  for (const off of disarm) off();
  return slot;
}

const killAt =
  (place: Place): Fault =>
  async (tools) => {
    let ended = false;
    const slot = await harmAt(tools, place, async (worker) => {
      const exited = worker.exited();
      worker.kill('SIGKILL');
      ended = await tools.within(endedWithinMs, exited);
      return 'drop';
    });
    if (slot === null) return seenIf(false, 'no worker came there');
    await tools.within(20_000, backAgain(slot));
    return seenIf(ended, slot.name);
  };

/** Stopped there while what it sent is held back; then both go on: a zombie that still writes. */
const freezeAt =
  (place: Place): Fault =>
  async (tools) => {
    const slot = await harmAt(tools, place, async (worker) => {
      worker.kill('SIGSTOP');
      await sleep(frozenMs);
      worker.kill('SIGCONT');
      return 'pass';
    });
    return slot === null
      ? seenIf(false, 'no worker came there')
      : seenIf(true, `${slot.name} stood still for ${frozenMs} ms`);
  };

/** The API dies with the rotation durable and its ticket not sent, or sent and the caller not told. */
const killApiAt =
  (link: 'postgres' | 'redis', place: Place): Fault =>
  async (tools) => {
    const sprung = Promise.withResolvers<Slot | null>();
    let ended = false;
    let taken = false;
    const disarm = tools.world.apis.map((slot) =>
      slot[link].arm({
        ...place,
        async spring() {
          if (taken) return 'pass';
          taken = true;
          const exited = slot.exited();
          slot.kill('SIGKILL');
          ended = await tools.within(endedWithinMs, exited);
          sprung.resolve(slot);
          return 'drop';
        },
      }),
    );
    const timer = setTimeout(() => sprung.resolve(null), patienceMs);
    const slot = await sprung.promise;
    clearTimeout(timer);
    for (const off of disarm) off();
    if (slot === null) return seenIf(false, 'no rotate call came by');
    await tools.within(20_000, backAgain(slot));
    return seenIf(ended, slot.name);
  };

export const pointFaults = {
  'kill-after-key-stored': killAt(places.afterKeyStored),
  'kill-after-switch': killAt(places.afterSwitch),
  'kill-before-batch-commit': killAt(places.beforeBatchCommit),
  'kill-after-batch-commit': killAt(places.afterBatchCommit),
  'kill-after-last-batch': killAt(places.afterLastBatch),
  'kill-before-proof': killAt(places.beforeProof),
  'kill-after-proof': killAt(places.afterProof),
  'kill-after-completed': killAt(places.afterCompleted),
  'freeze-before-key-stored': freezeAt(places.beforeKeyStored),
  'freeze-in-switch': freezeAt(places.switching),
  'freeze-before-batch': freezeAt(places.beforeBatch),
  'kill-api-after-commit': killApiAt('postgres', {
    steps: [/insert into rekey\.rotations/, commit],
    moment: 'after',
  }),
  'kill-api-after-enqueue': killApiAt('redis', { steps: [/rotate-[0-9a-f]{8}-/], moment: 'after' }),
} as const satisfies Record<string, Fault>;
