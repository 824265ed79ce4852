import { beat, type WaitingDetail, type WaitingFor } from '@rekey/control';
import { beatEveryMs } from '@rekey/times';
import type { RotationEnvironment } from './environment.ts';

/**
 * The beats of one rotation in this process: at most one under way, at most a few per second, none for a rotation
 * that is over before the first is due.
 */
export interface Pulse {
  /** Something was committed. Does not wait, does not throw. */
  touch(): void;
  /** Says what the rotation waits for, at once. */
  waits(waitingFor: WaitingFor, detail?: WaitingDetail): Promise<void>;
}

export function createPulse(
  env: Pick<RotationEnvironment, 'store' | 'signStore' | 'publish'>,
  rotationId: string,
): Pulse {
  let lastMs = Date.now();
  let underWay = false;

  const beatNow = async (
    waitingFor: WaitingFor | null,
    detail: WaitingDetail | null = null,
  ): Promise<void> => {
    underWay = true;
    lastMs = Date.now();
    try {
      const snapshot = await beat(env.signStore ?? env.store, rotationId, waitingFor, detail);
      if (snapshot !== null) env.publish(snapshot);
    } catch {
      // The database is away: whoever writes to it next finds out and says so.
    } finally {
      underWay = false;
    }
  };

  return {
    touch() {
      if (!underWay && Date.now() - lastMs >= beatEveryMs) void beatNow(null);
    },
    waits: beatNow,
  };
}
