import type { RunningRotation } from '@rekey/control';
import type { Urgency } from './throttle.ts';

/** Why a rotation was ordered is not among what a worker reads of it yet: until it is, each is as usual. */
export function urgencyOf(_rotation: RunningRotation): Urgency {
  return 'usual';
}
