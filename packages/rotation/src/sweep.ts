import type { RunningRotation } from '@rekey/control';
import type { Lease, Target } from '@rekey/data';
import type { Dek } from '@rekey/keyring';
import type { RotationEnvironment } from './environment.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { LockWait } from './lock-wait.ts';
import type { SpeedLimit } from './speed-limit.ts';

/** A range that is ours, and all that its passes, batches and proof are done with. One per range, made when it is claimed. */
export interface Sweep {
  readonly env: RotationEnvironment;
  readonly rotation: RunningRotation;
  readonly target: Target;
  readonly lease: Lease;
  readonly newDek: Dek;
  readonly heartbeat: Heartbeat;
  readonly lockWait: LockWait;
  readonly speedLimit: SpeedLimit;
  /** Stops it after the batches under way. */
  readonly signal: AbortSignal;
}
