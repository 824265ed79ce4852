import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { callerOf, mayActOnAny } from './auth/caller.ts';
import type { Route } from './route.ts';

/** Refuses whoever is bound to one tenant: what is asked for concerns the installation, whichever tenants it is about. */
export function needInstallation(request: FastifyRequest, route: Route): void {
  if (!mayActOnAny(callerOf(request), route)) throw new ApiError('INSUFFICIENT_PERMISSIONS');
}
