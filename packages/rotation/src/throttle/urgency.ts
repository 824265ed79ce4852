import type { RunningRotation } from '@rekey/control';
import type { Urgency } from './throttle.ts';

export function urgencyOf({ compromise }: RunningRotation): Urgency {
  return compromise ? 'compromise' : 'usual';
}
