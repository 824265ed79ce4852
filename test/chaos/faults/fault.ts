import type { ChaosTenant } from '../clients/records.ts';
import type { Running } from '../clients/rotators.ts';
import type { Random } from '../random.ts';
import type { Slot } from '../world/slot.ts';
import type { World } from '../world/world.ts';

/** What a fault has to work with. */
export interface FaultTools {
  readonly world: World;
  readonly random: Random;
  readonly tenants: readonly ChaosTenant[];
  readonly running: Running;
  /** The rotators begin no rotation of the tenants in it. */
  readonly held: Set<string>;
  /** How long a KMS is in trouble, at the least and at the most. */
  readonly kmsFaultMs: readonly [number, number];
  /** What the run is about to end. */
  readonly signal: AbortSignal;
  /** Takes a worker that no other fault has at the moment; given back when the fault is over. */
  worker(fits?: (slot: Slot) => boolean): Promise<Slot>;
  /** Resolves with false after `ms`. */
  within(ms: number, what: Promise<unknown>): Promise<boolean>;
}

/** Whether the fault was seen to have happened, and how. */
export interface Sighting {
  readonly seen: boolean;
  readonly detail: string;
  /** Of trouble with a KMS: the KEK, and the tenants that alone may notice it; absent: everybody may. */
  readonly kek?: string;
  readonly tenants?: ReadonlySet<string>;
}

export type Fault = (tools: FaultTools) => Promise<Sighting>;

export const seenIf = (seen: boolean, detail: string): Sighting => ({ seen, detail });
