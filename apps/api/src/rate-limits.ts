import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf, identityOf } from './auth/caller.ts';
import { networkOf } from './client-address.ts';
import { countPerPeriod } from './count-per-period.ts';

/** Calls per minute and process, of a client address and of a caller alike; 0 switches a limit off. */
export interface RateLimits {
  readonly readsPerMinute: number;
  readonly writesPerMinute: number;
}

export type Limiter = (request: FastifyRequest) => void;

const periodMs = 60_000;

/** A hook that throws RATE_LIMITED by the address a call comes from, before anything else is looked at. */
export function addressLimiter(perMinute: number): Limiter {
  return limiter(perMinute, (request) => networkOf(request.address));
}

/** The same by who calls, from however many addresses. Behind authentication. */
export function callerLimiter(perMinute: number): Limiter {
  return limiter(perMinute, (request) => identityOf(callerOf(request)));
}

function limiter(perMinute: number, keyOf: (request: FastifyRequest) => string): Limiter {
  if (perMinute === 0) return () => {};
  const count = countPerPeriod(periodMs);
  return (request) => {
    const counted = count(keyOf(request));
    if (counted.count > perMinute) {
      throw new ApiError('RATE_LIMITED', {
        retryAfterSeconds: Math.max(1, Math.ceil(counted.leftMs / 1_000)),
      });
    }
  };
}
