import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

/** Calls per minute, client address and process; 0 switches a limit off. */
export interface RateLimits {
  readonly readsPerMinute: number;
  readonly writesPerMinute: number;
}

export type Limiter = (request: FastifyRequest) => Promise<void>;

const windowMs = 60_000;

/** A hook that throws RATE_LIMITED, with the seconds until the window ends. Needs `@fastify/rate-limit`. */
export function limiter(app: FastifyInstance, perMinute: number): Limiter {
  if (perMinute === 0) return async () => {};
  const count = app.createRateLimit({ max: perMinute, timeWindow: windowMs });
  return async (request) => {
    const outcome = await count(request);
    if (!outcome.isAllowed && outcome.isExceeded) {
      throw new ApiError('RATE_LIMITED', { retryAfterSeconds: Math.max(1, outcome.ttlInSeconds) });
    }
  };
}
