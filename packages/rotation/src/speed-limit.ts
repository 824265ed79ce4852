import { setTimeout as sleep } from 'node:timers/promises';
import { readSpeedLimit, type SpeedLimitRead } from '@rekey/control';
import type { Store } from '@rekey/db';
import { heartbeatWhileWaitingMs, speedLimitMs } from '@rekey/times';

/**
 * Holds one rotation back to its own limit, for all ranges of it that this process sweeps. Every process has the part of the
 * limit that its ranges are of all that are at work, and reads both anew while it sweeps.
 */
export interface SpeedLimit {
  /** Records that a batch may hold: a tenth of a second's worth. */
  readonly batchItemsMax: number;
  /** To be called with the lease of each range, and what it returns once that is given up. */
  enter(owner: string): () => void;
  /** As of a `RateLimiter`. */
  acquire(items: number, signal: AbortSignal, whileWaiting: () => Promise<boolean>): Promise<boolean>;
}

/** The rotations that a process sweeps, each with its speedLimit. */
export interface SpeedLimits {
  /** `atFirst`: what its row said when it was taken up. */
  of(rotationId: string, atFirst: number | null): SpeedLimit;
}

/** Others may sweep ranges of it: until that is known, no more than this part is ours. */
const partAtFirst = 1 / 3;

export function createSpeedLimits(store: Store): SpeedLimits {
  const speedLimits = new Map<string, SpeedLimit>();
  return {
    of(rotationId, atFirst) {
      const known = speedLimits.get(rotationId);
      if (known !== undefined) return known;
      const speedLimit = createSpeedLimit(
        (owners) => readSpeedLimit(store, rotationId, owners),
        { itemsPerSecondMax: atFirst, part: partAtFirst },
        () => speedLimits.delete(rotationId),
      );
      speedLimits.set(rotationId, speedLimit);
      return speedLimit;
    },
  };
}

export function createSpeedLimit(
  read: (owners: readonly string[]) => Promise<SpeedLimitRead | null>,
  atFirst: SpeedLimitRead,
  onIdle: () => void = () => {},
): SpeedLimit {
  /** One owner may have several ranges. */
  const owners = new Map<string, number>();
  let now = atFirst;
  let readAtMs = atFirst.itemsPerSecondMax === null ? performance.now() : Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  /** Records that were granted ahead of their time, as of then. */
  let debt = 0;
  let debtAtMs = performance.now();

  const rate = (): number =>
    now.itemsPerSecondMax === null ? Number.POSITIVE_INFINITY : now.itemsPerSecondMax * now.part;
  const settle = (): void => {
    const atMs = performance.now();
    debt = rate() === Number.POSITIVE_INFINITY ? 0 : Math.max(0, debt - (rate() * (atMs - debtAtMs)) / 1_000);
    debtAtMs = atMs;
  };
  const lookAgain = (): void => {
    if (reading !== null || performance.now() - readAtMs < speedLimitMs) return;
    reading = read([...owners.keys()])
      .then((found) => {
        settle(); // by the rate that held until now
        if (found !== null) now = found;
      })
      // The database is away: whoever writes to it next finds out and says so.
      .catch(() => {})
      .finally(() => {
        readAtMs = performance.now();
        reading = null;
      });
  };

  return {
    get batchItemsMax() {
      return Math.max(1, Math.floor(rate() / 10));
    },
    enter(owner) {
      owners.set(owner, (owners.get(owner) ?? 0) + 1);
      return () => {
        const left = (owners.get(owner) ?? 1) - 1;
        if (left > 0) owners.set(owner, left);
        else owners.delete(owner);
        if (owners.size === 0) onIdle();
      };
    },
    async acquire(items, signal, whileWaiting) {
      let renewedMs = performance.now();
      for (;;) {
        lookAgain();
        settle();
        if (debt <= 0 || signal.aborted) {
          debt += items;
          return true;
        }
        const leftMs = (debt * 1_000) / rate();
        await sleep(Math.min(Math.max(leftMs, 1), speedLimitMs), undefined, { signal }).catch(() => {});
        if (performance.now() - renewedMs < heartbeatWhileWaitingMs) continue;
        renewedMs = performance.now();
        if (!(await whileWaiting())) return false;
      }
    },
  };
}
