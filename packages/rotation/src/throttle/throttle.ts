import { setTimeout as sleep } from 'node:timers/promises';
import type { Throttling } from '@rekey/control';
import { heartbeatWhileWaitingMs, throttleMs } from '@rekey/times';
import { createNotes, type Note } from './notes.ts';
import type { Reading, Signal } from './signal.ts';
import type { LatencySignal } from './signals/latency.ts';
import type { LocksSignal } from './signals/locks.ts';
import { createWatch, type Watch } from './watch.ts';

/** What a rotation is for; one that was ordered for a compromised DEK yields to nothing but what stops the sweep. */
export type Urgency = 'usual' | 'compromise';

/** Holds the sweep back for the sake of production: one per process, for all ranges that it sweeps. */
export interface Throttle {
  /** Records that a batch may hold. */
  readonly batchItemsMax: number;
  /** To be called with the begin of each range, and what it returns with its end. */
  enter(rotationId: string, urgency: Urgency): () => void;
  /** As of a `RateLimiter`: resolves when a batch may be written, at once when the signal comes. */
  acquire(urgency: Urgency, signal: AbortSignal, whileWaiting: () => Promise<boolean>): Promise<boolean>;
  /** A statement with records took so long, whatever it was. */
  took(ms: number): void;
  /** A batch was written. */
  wrote(ms: number): void;
  /** A batch met records or tables that others keep locked. */
  missed(): void;
  /** What it holds back for; null: it does not. */
  readonly state: Throttling | null;
  /** Of the time that Postgres would give the sweep, what the sweep takes: 1 is all, 0 none. */
  readonly share: number;
  close(): void;
}

export interface ThrottleOptions {
  readonly signals: readonly Signal[];
  readonly locks: LocksSignal;
  readonly latency: LatencySignal;
  readonly note: Note;
  /** How many statements of the sweep may be under way at once. */
  readonly places: () => number;
  /** Told when it begins, when it changes and, with null, when it ends. */
  readonly onChange?: (state: Throttling | null) => void;
  /** Told when a signal cannot be read, and why, and with null when it can be again. */
  readonly onUnreadable?: (signal: Signal['name'], reason: string | null) => void;
}

/**
 * The share halves with each second in which something asks for less, and grows by a fifth of the whole each second. Below
 * the floor it does not go: a sweep that yields to an application for ever has to end some day.
 */
const share = { floor: 0.4, perTick: 0.05, halvesEveryMs: 1_000 } as const;
/** A batch of so many is over sooner, so that whoever comes meanwhile waits less. */
const itemsWhileSlow = 50;
/** After the last range was left it is watched on for so long: the next may come at once. */
const lingersMs = 10_000;

export function createThrottle(options: ThrottleOptions): Throttle {
  const { signals, locks, latency, note, places, onChange, onUnreadable } = options;
  const rotations = new Map<string, { readonly urgency: Urgency; ranges: number }>();
  const notes = createNotes(note);
  let taken = 1;
  let halvedMs = 0;
  let state: Throttling | null = null;
  let isStopped = false;
  let timer: NodeJS.Timeout | null = null;
  let emptySinceMs = 0;
  /** Of the database's time, in milliseconds: taken ahead of our share. */
  let debt = 0;
  let debtAtMs = performance.now();
  let usualMs = 4;
  let granted = 0;

  const watch: Watch = createWatch([...signals, locks, latency], onUnreadable, () => change(false));

  const change = (isTick: boolean): void => {
    const reading = watch.worst();
    isStopped = reading.level === 'stop';
    const nowMs = performance.now();
    if (reading.level === 'none') {
      if (isTick) taken = Math.min(1, taken + share.perTick);
    } else if (nowMs - halvedMs >= share.halvesEveryMs) {
      // Who yields from full speed yields at once as far as it goes: half of that would be felt for a second more.
      taken = taken === 1 ? share.floor : Math.max(share.floor, taken / 2);
      halvedMs = nowMs;
    }
    const next = stateOf(reading);
    if (next?.signal !== state?.signal || next?.level !== state?.level) onChange?.(next);
    state = next;
    tell();
  };
  const stateOf = ({
    level,
    signal,
    detail,
  }: Reading & { signal: Signal['name'] | null }): Throttling | null => {
    if (level !== 'none' && signal !== null) return { signal, level, detail };
    if (taken === 1 || state === null) return null;
    return { ...state, level: 'slow' }; // it comes back step by step
  };
  const tell = (): void => {
    for (const [rotationId, { urgency }] of rotations)
      notes.settle(rotationId, urgency === 'compromise' && !isStopped ? null : state);
  };

  const tick = (): void => {
    if (rotations.size === 0 && performance.now() - emptySinceMs > lingersMs) {
      rest();
      return;
    }
    watch.look();
    change(true);
  };
  const rest = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    watch.forget();
    taken = 1;
    isStopped = false;
    if (state !== null) onChange?.(null);
    state = null;
  };
  const settleDebt = (): void => {
    const nowMs = performance.now();
    debt = taken === 1 ? 0 : Math.max(0, debt - (nowMs - debtAtMs));
    debtAtMs = nowMs;
  };
  const owe = (ms: number): void => {
    if (taken < 1) debt += ms / (taken * Math.max(1, places()));
  };

  return {
    get batchItemsMax() {
      return taken < 1 ? itemsWhileSlow : Number.POSITIVE_INFINITY;
    },
    get state() {
      return state;
    },
    get share() {
      return isStopped ? 0 : taken;
    },
    enter(rotationId, urgency) {
      const rotation = rotations.get(rotationId) ?? { urgency, ranges: 0 };
      rotation.ranges += 1;
      rotations.set(rotationId, rotation);
      if (timer === null) {
        timer = setInterval(tick, throttleMs.lookEvery);
        timer.unref();
        watch.look();
      }
      let isLeft = false;
      return () => {
        if (isLeft) return;
        isLeft = true;
        rotation.ranges -= 1;
        if (rotation.ranges > 0) return;
        rotations.delete(rotationId);
        notes.settle(rotationId, null);
        if (rotations.size === 0) emptySinceMs = performance.now();
      };
    },
    async acquire(urgency, signal, whileWaiting) {
      if (taken === 1 && !isStopped) return true;
      let renewedMs = performance.now();
      for (;;) {
        settleDebt();
        const yields = urgency !== 'compromise' && taken < 1;
        if (signal.aborted || (!isStopped && !(yields && debt > 0))) {
          owe(usualMs);
          granted += 1;
          return true;
        }
        const waitMs = isStopped
          ? throttleMs.lookEvery / 2
          : Math.min(Math.max(debt, 1), throttleMs.lookEvery);
        await sleep(waitMs, undefined, { signal }).catch(() => {});
        if (performance.now() - renewedMs < heartbeatWhileWaitingMs) continue;
        renewedMs = performance.now();
        if (!(await whileWaiting())) return false;
      }
    },
    took: owe,
    wrote(ms) {
      latency.took(ms);
      locks.met(false);
      usualMs += (ms - usualMs) / 8;
      if (granted === 0) return;
      granted -= 1;
      owe(-usualMs);
    },
    missed() {
      locks.met(true);
      watch.look(locks.name);
    },
    close: rest,
  };
}
