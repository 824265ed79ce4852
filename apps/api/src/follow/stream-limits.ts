import { ApiError } from '../api-error.ts';

/** How many streams there may be at once. */
export interface StreamLimits {
  readonly ofCaller: number;
  readonly inAll: number;
}

export const streamLimits: StreamLimits = { ofCaller: 10, inAll: 2_000 };

/** Sooner hardly anything has changed. */
const retryAfterSeconds = 10;

/** Takes a place for a stream of that caller, or throws RATE_LIMITED; what it returns gives the place back, once. */
export type TakePlace = (caller: string) => () => void;

export function limitStreams({ ofCaller, inAll }: StreamLimits): TakePlace {
  const taken = new Map<string, number>();
  let total = 0;
  return (caller) => {
    const own = taken.get(caller) ?? 0;
    if (own >= ofCaller || total >= inAll) throw new ApiError('RATE_LIMITED', { retryAfterSeconds });
    taken.set(caller, own + 1);
    total += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      total -= 1;
      const left = (taken.get(caller) ?? 1) - 1;
      if (left === 0) taken.delete(caller);
      else taken.set(caller, left);
    };
  };
}
