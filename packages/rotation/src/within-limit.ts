import { renewLease } from '@rekey/data';
import { heartbeatWhileWaitingMs } from '@rekey/times';
import type { Refused } from './outcome.ts';
import type { Sweep } from './sweep.ts';

/**
 * Sends a statement once the limiter has a place for it, unless the signal has come meanwhile. Every batch renews the
 * lease; after a long wait for a place the lease is renewed before the statement is sent.
 */
export async function withinLimit<Result>(
  { env, lease, signal }: Pick<Sweep, 'env' | 'lease' | 'signal'>,
  statement: () => Promise<Result>,
): Promise<Result | Refused> {
  const sinceMs = performance.now();
  const send = async (): Promise<Result | Refused> => {
    if (signal.aborted) return 'stopped';
    const isLong = performance.now() - sinceMs > heartbeatWhileWaitingMs;
    if (isLong && !(await renewLease(env.sweepStore, lease))) return 'lost';
    if (env.throttle === undefined) return statement();
    const sentMs = performance.now();
    try {
      return await statement();
    } finally {
      env.throttle.took(performance.now() - sentMs);
    }
  };
  return env.statementLimiter === undefined ? send() : env.statementLimiter.run(send);
}
