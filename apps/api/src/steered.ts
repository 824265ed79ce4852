import type { SteeredRotation } from '@rekey/commands';
import type { RotationView } from '@rekey/control';
import { ApiError } from './api-error.ts';
import type { Status } from './status.ts';

/** How the rotation stands that somebody paused or resumed; nobody who polls here is told less from now on. */
export function steered(status: Status, outcome: SteeredRotation): RotationView {
  switch (outcome.kind) {
    case 'changed':
    case 'unchanged':
      status.told(outcome);
      return outcome.view;
    case 'finished':
      throw new ApiError('ROTATION_FINISHED');
    case 'not_found':
      throw new ApiError('ROTATION_NOT_FOUND');
  }
}
