import { ApiError } from '../api-error.ts';
import type { Route } from '../route.ts';
import type { Session } from './sessions.ts';

const ageMaxMs = 5 * 60_000;

/** What cannot be taken back, or changes what others rely on: destruction and its approval, compromise, KEKs, policies. */
const names = /destruction|compromise|rewrap|kek|polic(y|ies)/i;
/** Of these, what only holds back or looks. */
const mild: ReadonlySet<string> = new Set(['cancelDestruction', 'planRewrap', 'pauseRewrap']);

/** Whether that operation needs a log-in at most five minutes old. By its name, so that a new one of that kind does too. */
export function needsFreshLogin({ operationId, method }: Pick<Route, 'operationId' | 'method'>): boolean {
  return method !== 'GET' && names.test(operationId) && !mild.has(operationId);
}

/** Throws LOGIN_TOO_OLD. A rotation is such a thing too when it names a compromise or a KEK. */
export function requireFreshLogin(route: Route, body: unknown, session: Session | null): void {
  if (!needsFreshLogin(route) && !asksForMore(body)) return;
  const ageMs = Date.now() - (session?.loggedInAt?.getTime() ?? Number.NEGATIVE_INFINITY);
  if (ageMs > ageMaxMs) throw new ApiError('LOGIN_TOO_OLD');
}

function asksForMore(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  return ('compromise' in body && body.compromise === true) || 'kek' in body;
}
