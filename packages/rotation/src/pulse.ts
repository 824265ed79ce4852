import { beat, type WaitingDetail, type WaitingFor } from '@rekey/control';
import { beatEveryMs } from '@rekey/times';
import type { RotationEnvironment } from './environment.ts';

/**
 * The beats of one rotation in this process, whatever it sweeps of it: at most one under way, at most a few per second, none
 * for a rotation that is over before the first is due. One for each range would be several at once, which wait for each
 * other on the rotation's row, each for the disk.
 */
export interface Pulse {
  /** Something was committed. Does not wait, does not throw. */
  touch(): void;
  /** Says what the rotation waits for, at once. */
  waits(waitingFor: WaitingFor, detail?: WaitingDetail): Promise<void>;
}

/** When a rotation's last beat began, and how many are under way. */
interface Heart {
  lastMs: number;
  underWay: number;
}

/** The hearts of the rotations that a process works on. */
export interface Beats {
  of(rotationId: string): Heart;
}

/** Of so many and more, those that have not beaten for long are forgotten. */
const heartsMax = 64;
const forgottenAfterMs = 60_000;

export function createBeats(): Beats {
  const hearts = new Map<string, Heart>();
  return {
    of(rotationId) {
      const now = Date.now();
      if (hearts.size >= heartsMax)
        for (const [id, { lastMs, underWay }] of hearts)
          if (underWay === 0 && now - lastMs > forgottenAfterMs) hearts.delete(id);
      const heart = hearts.get(rotationId) ?? { lastMs: now, underWay: 0 };
      hearts.set(rotationId, heart);
      return heart;
    },
  };
}

export function createPulse(
  env: Pick<RotationEnvironment, 'store' | 'signStore' | 'beats' | 'publish'>,
  rotationId: string,
): Pulse {
  const heart = (env.beats ?? createBeats()).of(rotationId);

  const beatNow = async (
    waitingFor: WaitingFor | null,
    detail: WaitingDetail | null = null,
  ): Promise<void> => {
    heart.underWay += 1;
    heart.lastMs = Date.now();
    try {
      const snapshot = await beat(env.signStore ?? env.store, rotationId, waitingFor, detail);
      if (snapshot !== null) env.publish(snapshot);
    } catch {
      // The database is away: whoever writes to it next finds out and says so.
    } finally {
      heart.underWay -= 1;
    }
  };

  return {
    touch() {
      if (heart.underWay === 0 && Date.now() - heart.lastMs >= beatEveryMs) void beatNow(null);
    },
    waits: beatNow,
  };
}
