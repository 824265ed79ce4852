import { beat, type WaitingDetail, type WaitingFor } from '@rekey/control';
import { heartbeatEveryMs, heartbeatWhileWaitingMs } from '@rekey/times';
import type { RotationEnvironment } from './environment.ts';

/**
 * Sends the heartbeats of one rotation for all ranges of it that this process sweeps: at most one is under way, there are
 * at most a few per second, and none for a rotation that ends before the first is due. If each range sent its own, several
 * would run at once and queue for the rotation's row, each while the one before it waits for the disk.
 */
export interface Heartbeat {
  /** Something was committed. Does not wait, does not throw. */
  touch(): void;
  /** Says what the rotation waits for, at once. */
  waits(waitingFor: WaitingFor, detail?: WaitingDetail): Promise<void>;
  /**
   * While this lasts somebody is at work, however long a statement, a lock or a place for it lets him wait. What it returns is to be
   * called with its end.
   */
  attend(): () => void;
}

/** When a rotation's last heartbeat began, by the clock that nobody sets, and how many are under way. */
interface HeartbeatState {
  lastMs: number;
  underWay: number;
}

/** The heartbeats of the rotations that a process works on. */
export interface Heartbeats {
  of(rotationId: string): HeartbeatState;
}

/** From this many rotations on, those without a heartbeat for so long are forgotten. */
const statesMax = 64;
const forgottenAfterMs = 60_000;

export function createHeartbeats(): Heartbeats {
  const states = new Map<string, HeartbeatState>();
  return {
    of(rotationId) {
      const now = performance.now();
      if (states.size >= statesMax)
        for (const [id, { lastMs, underWay }] of states)
          if (underWay === 0 && now - lastMs > forgottenAfterMs) states.delete(id);
      const state = states.get(rotationId) ?? { lastMs: now, underWay: 0 };
      states.set(rotationId, state);
      return state;
    },
  };
}

export function createHeartbeat(
  env: Pick<RotationEnvironment, 'store' | 'heartbeatStore' | 'heartbeats' | 'publish'>,
  rotationId: string,
): Heartbeat {
  const state = (env.heartbeats ?? createHeartbeats()).of(rotationId);

  const beatNow = async (
    waitingFor: WaitingFor | null,
    detail: WaitingDetail | null = null,
  ): Promise<void> => {
    state.underWay += 1;
    state.lastMs = performance.now();
    try {
      const snapshot = await beat(env.heartbeatStore ?? env.store, rotationId, waitingFor, detail);
      if (snapshot !== null) env.publish(snapshot);
    } catch {
      // The database is away: whoever writes to it next finds out and says so.
    } finally {
      state.underWay -= 1;
    }
  };

  const touch = (): void => {
    if (state.underWay === 0 && performance.now() - state.lastMs >= heartbeatEveryMs) void beatNow(null);
  };
  return {
    touch,
    waits: beatNow,
    attend() {
      const timer = setInterval(touch, heartbeatWhileWaitingMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
