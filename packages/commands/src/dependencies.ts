import type { Initiator, RotationView } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Snapshots, TicketQueue } from '@rekey/jobs';

/** Who acts, as rotations and their events keep it. */
export interface Actor extends Initiator {
  readonly kind: 'user' | 'policy' | 'campaign' | 'operator';
}

/**
 * In this order each command uses them, since each may be late or away but the first: what is committed is true, a snapshot
 * lets those who poll see it, a ticket brings a worker sooner than it would come by itself.
 */
export interface CommandDependencies {
  readonly store: Store;
  readonly snapshots: Pick<Snapshots<RotationView>, 'publish'>;
  readonly ticketQueue: Pick<TicketQueue, 'enqueue'>;
}
