import { setTimeout as sleep } from 'node:timers/promises';
import { disconnectMs, handBackMs, reportLastMs } from '@rekey/times';
import type { Slot } from '../world/slot.ts';
import { type Fault, type FaultTools, type Sighting, seenIf } from './fault.ts';

const readyWithinMs = 20_000;
/** What SIGTERM may take: its steps one after the other, and half as much again, which a machine at full load loses. */
const shutdownMs = handBackMs + disconnectMs + reportLastMs + 2_500;
const endsWithinMs = 12_000;

async function killed({ within }: FaultTools, slot: Slot): Promise<Sighting> {
  const pid = slot.pid();
  const exited = slot.exited();
  slot.kill('SIGKILL');
  if (!(await within(5_000, exited))) return seenIf(false, `${slot.name} did not end`);
  const { signal } = await exited;
  await within(readyWithinMs, backAgain(slot));
  return seenIf(signal === 'SIGKILL', `${slot.name}, pid ${pid}`);
}

/** The slot has a process again, ready. */
export async function backAgain(slot: Slot): Promise<void> {
  await sleep(400);
  while (!(await slot.ready())) await sleep(400);
}

const killWorker: Fault = async (tools) => killed(tools, await tools.worker());

const killApi: Fault = async (tools) => killed(tools, tools.random.pick(tools.world.apis));

const sigterm: Fault = async (tools) => {
  const slot = await tools.worker();
  const { history } = tools.world;
  const exited = slot.exited();
  const began = history.now();
  slot.kill('SIGTERM');
  const ended = await tools.within(endsWithinMs, exited);
  const ms = history.now() - began;
  const code = ended ? (await exited).code : null;
  if (ms > shutdownMs || code !== 0)
    history.violation(
      'shutdown',
      `${slot.name} took ${Math.round(ms)} ms for SIGTERM and ended with ${code}`,
    );
  if (!ended) slot.kill('SIGKILL');
  await tools.within(readyWithinMs, backAgain(slot));
  return seenIf(ended, `${slot.name} ended in ${Math.round(ms)} ms`);
};

const sigtermTwice: Fault = async (tools) => {
  const slot = await tools.worker();
  const { history } = tools.world;
  const exited = slot.exited();
  slot.kill('SIGTERM');
  await sleep(tools.random.integer(1, 30));
  const began = history.now();
  slot.kill('SIGTERM');
  const ended = await tools.within(endsWithinMs, exited);
  const ms = history.now() - began;
  // So soon it may pass for an echo of the first, which is not to be later because of it.
  if (ms > shutdownMs)
    history.violation('shutdown', `${slot.name} took ${Math.round(ms)} ms for a second SIGTERM`);
  if (!ended) slot.kill('SIGKILL');
  await tools.within(readyWithinMs, backAgain(slot));
  return seenIf(ended, `${slot.name} ended in ${Math.round(ms)} ms`);
};

/** Longer than the job's lock (6 s), its stalled check (3 s) and the range's lease (8 s). */
export const frozenMs = 11_000;

const freeze: Fault = async (tools) => {
  const slot = await tools.worker();
  const pid = slot.pid();
  slot.kill('SIGSTOP');
  await sleep(frozenMs, undefined, { signal: tools.signal }).catch(() => {});
  slot.kill('SIGCONT');
  return seenIf(pid !== null && slot.pid() === pid, `${slot.name} stood still for ${frozenMs} ms`);
};

const blockEventLoop: Fault = async (tools) => {
  const slot = await tools.worker((each) => each.controlled);
  const blockMs = tools.random.integer(7_000, 11_000);
  const heard = tools.world.control.heard(slot.name, 'blockedMs', blockMs + 6_000);
  if (!tools.world.control.tell(slot.name, { blockMs })) return seenIf(false, `${slot.name} takes no orders`);
  const blockedMs = await heard;
  return seenIf(blockedMs !== null, `${slot.name} did not turn for ${blockedMs} ms`);
};

const clock =
  (offsetMs: number): Fault =>
  async (tools) => {
    const slot = await tools.worker((each) => each.controlled);
    slot.setEnv({ CHAOS_CLOCK_OFFSET_MS: String(offsetMs) });
    await killed(tools, slot);
    const wrong = await tools.within(readyWithinMs, slot.ready());
    await sleep(8_000, undefined, { signal: tools.signal }).catch(() => {});
    slot.setEnv({});
    await killed(tools, slot);
    return seenIf(wrong, `${slot.name} was ${offsetMs / 60_000} minutes off`);
  };

/** Each worker in its turn gets SIGTERM while the others go on and a fresh one takes its place. */
const rollingRestart: Fault = async (tools) => {
  let replaced = 0;
  for (const slot of tools.world.workers) {
    const mine = await tools.worker((each) => each === slot);
    const exited = mine.exited();
    mine.kill('SIGTERM');
    if (await tools.within(endsWithinMs, exited)) replaced += 1;
    await tools.within(readyWithinMs, backAgain(mine));
  }
  return seenIf(replaced === tools.world.workers.length, `${replaced} workers were replaced one by one`);
};

const everythingDown: Fault = async (tools) => {
  const all = [...tools.world.workers, ...tools.world.apis];
  const exits = all.map((slot) => slot.exited());
  for (const slot of all) slot.kill('SIGKILL');
  const gone = await tools.within(5_000, Promise.all(exits));
  await tools.within(readyWithinMs, Promise.all(all.map(backAgain)));
  return seenIf(gone, `${all.length} processes killed at once`);
};

export const processFaults = {
  'kill-worker': killWorker,
  'kill-api': killApi,
  'sigterm-worker': sigterm,
  'sigterm-twice': sigtermTwice,
  'freeze-worker': freeze,
  'block-event-loop': blockEventLoop,
  'clock-an-hour-ahead': clock(3_600_000),
  'clock-an-hour-behind': clock(-3_600_000),
  'rolling-restart': rollingRestart,
  'everything-of-ours-down': everythingDown,
} as const satisfies Record<string, Fault>;
