import { setTimeout as sleep } from 'node:timers/promises';
import { noteWaiting, renewLease } from '@rekey/data';
import type { Sweep } from './sweep.ts';

/**
 * The wait of one range for records that others keep locked. It is known by the batches, not by the passes: while the
 * throttle stands still between two of them, a pass over many such records lasts for minutes.
 */
export interface LockWait {
  /** A pass begins; so many records were left by the one before it, 0: nobody knows. */
  begin(left: number): void;
  /** A batch of so many records was written, but for so many that are locked or were changed meanwhile. Waits for nothing. */
  wrote(items: number, left: number): void;
  /** Says what follows from the batches, where it is news. */
  tell(): Promise<void>;
  /** The pass came to its end. */
  end(): Promise<void>;
  /** Backs off before another pass; false when the lease is lost. */
  pause(left: number, idlePasses: number): Promise<boolean>;
}

/**
 * Of its last so many batches, so many that left out half of their records or more, as what stops the throttle (`locks`). Fewer may be
 * those that a busy application has just changed: that is no wait. Where the throttle already stands still, two that follow
 * each other so late are enough; and where it does for locks, the last one: with several ranges in a process each of them hardly
 * gets to a second before. It is over once none of them did.
 */
const lastBatches = 4;
const held = { batches: 3, forMs: 1_000 } as const;
/** What is said of it is renewed so often. */
const saysEveryMs = 1_000;
/** After so long it is told, and again so often. */
const tellsAfterMs = 30_000;
const tellsEveryMs = 60_000;

type LockWaitOf = Omit<Sweep, 'newDek' | 'speedLimit' | 'lockWait'>;

export function createLockWait({ env, rotation, target, lease, heartbeat, signal }: LockWaitOf): LockWait {
  const { id: rotationId, tenantId } = rotation;
  /** By the clock that nobody sets. */
  let sinceMs: number | null = null;
  let toldMs = 0;
  let saidMs = 0;
  let recent: boolean[] = [];
  /** Of the batches that met locks one after the other. */
  let firstMs: number | null = null;
  let lastMs = 0;
  let leftBefore = 0;
  let leftOut = 0;

  const isStopped = (): boolean => {
    const throttling = env.throttle?.state;
    return throttling?.signal === 'locks' && throttling.level === 'stop';
  };
  const isHeld = (): boolean =>
    recent.filter((was) => was).length >= held.batches ||
    (firstMs !== null && lastMs - firstMs >= held.forMs) ||
    (recent.at(-1) === true && isStopped());

  const say = async (left: number, isAll: boolean): Promise<void> => {
    if (sinceMs === null) {
      sinceMs = performance.now();
      toldMs = sinceMs + tellsAfterMs - tellsEveryMs;
      await noteWaiting(env.sweepStore, lease, 'lock');
    }
    const forMs = Math.round(performance.now() - sinceMs);
    if (performance.now() - toldMs >= tellsEveryMs) {
      toldMs = performance.now();
      env.onEvent?.({ kind: 'locked', rotationId, tenantId, target: target.name, items: left, forMs });
    }
    saidMs = performance.now();
    await heartbeat.waits('lock', {
      what: `${isAll ? '' : 'at least '}${left} records of ${target.table} are locked by other transactions`,
      since: null,
      todo: 'let them end; if one was forgotten, end it: select pg_terminate_backend(pid)',
    });
  };
  const over = async (): Promise<void> => {
    if (sinceMs === null) return;
    sinceMs = null;
    saidMs = 0;
    leftBefore = 0;
    await noteWaiting(env.sweepStore, lease, null);
  };

  return {
    begin(left) {
      leftBefore = left;
      leftOut = 0;
    },
    wrote(items, left) {
      leftOut += left;
      const isHeldUp = left > 0 && 2 * left >= items;
      recent = [...recent.slice(1 - lastBatches), isHeldUp];
      if (!isHeldUp) {
        firstMs = null;
        return;
      }
      lastMs = performance.now();
      firstMs ??= lastMs;
    },
    async tell() {
      if (sinceMs !== null && recent.length === lastBatches && !recent.includes(true)) await over();
      if (!isHeld() || performance.now() - saidMs < saysEveryMs) return;
      await say(Math.max(leftBefore, leftOut), leftBefore >= leftOut);
    },
    async end() {
      if (leftOut === 0) await over();
    },
    async pause(left, idlePasses) {
      await say(left, true);
      const pauseMs = Math.min(1_000, 25 * 2 ** Math.min(idlePasses, 6));
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      return renewLease(env.sweepStore, lease);
    },
  };
}
