import type { RotationView, Snapshot } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { BatchCipher } from '@rekey/envelope';
import type { Keyring, Usage } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import type { BatchSize } from './batch-size.ts';
import type { Heartbeats } from './heartbeat.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { SmallRanges } from './small-ranges.ts';
import type { SpeedLimits } from './speed-limit.ts';
import type { StatementLimiter } from './statement-limiter.ts';
import type { Steps } from './steps.ts';
import type { Throttle } from './throttle/throttle.ts';

/** What a rotation needs of the world. It runs without HTTP and without Redis. */
export interface RotationEnvironment {
  /** For everything but the sweep. */
  readonly store: Store;
  /** What its rotations do together. Absent: each by itself. */
  readonly steps?: Steps | undefined;
  readonly smallRanges?: SmallRanges | undefined;
  /** For heartbeats, so that they need not queue behind what takes long. Absent: `store`. */
  readonly heartbeatStore?: Store | undefined;
  /** Absent: each range sends its rotation's heartbeats by itself. */
  readonly heartbeats?: Heartbeats | undefined;
  /** Absent: each range keeps to its rotation's speed limit by itself. */
  readonly speedLimits?: SpeedLimits | undefined;
  /** For reading, writing and counting records: opened by `openSweepStore`. */
  readonly sweepStore: Store;
  readonly keks: Keks;
  readonly keyring: Keyring;
  /** Told how long records took. */
  readonly usage?: Pick<Usage, 'time'> | undefined;
  /** What the sweep re-encrypts with. Absent: `node:crypto`. */
  readonly cipher?: BatchCipher | undefined;
  /** Records per committed batch: small enough that applications do not wait long for one. */
  readonly batchSize: BatchSize;
  /** Absent: as fast as it goes. */
  readonly rateLimiter?: RateLimiter | undefined;
  /** Absent: without regard to what the database bears. */
  readonly throttle?: Throttle | undefined;
  /** Absent: all statements at once. */
  readonly statementLimiter?: StatementLimiter | undefined;
  /** Of those who wait for a record that others hold: the other connections are for who need not wait. Absent: all at once. */
  readonly lockLimiter?: Pick<StatementLimiter, 'run'> | undefined;
  /** Called with every new snapshot of a rotation, after it is committed. */
  readonly publish: (snapshot: Snapshot) => void;
  /** Told of what an operator wants to find in a log. */
  readonly onEvent?: ((event: RotationEvent) => void) | undefined;
  /** Told how many records a statement re-encrypted, and how long it took. */
  readonly onWritten?: ((items: number, ms: number) => void) | undefined;
  /** Told what was found wrong and mended on the way, in words for an operator. */
  readonly onMended?: (rotationId: string, what: string) => void;
}

export type RotationEvent =
  | {
      readonly kind: 'started' | 'switched' | 'drained';
      readonly rotationId: string;
      readonly tenantId: string;
    }
  | { readonly kind: 'completed'; readonly view: RotationView }
  /** So many records of a range have been locked by others for so long. */
  | {
      readonly kind: 'locked';
      readonly rotationId: string;
      readonly tenantId: string;
      readonly target: string;
      readonly items: number;
      readonly forMs: number;
    };
