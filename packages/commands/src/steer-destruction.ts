import {
  approveDestruction as approve,
  cancelDestruction as cancel,
  type SteeredDestruction,
  scheduleDestruction as schedule,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { SteeredDestruction };

export interface SteerDestruction {
  readonly keyId: string;
  /** For whoever reads its events. */
  readonly reason?: string;
}

type Command = (
  dependencies: Pick<CommandDependencies, 'store'>,
  actor: Actor,
  input: SteerDestruction,
) => Promise<SteeredDestruction>;

const command =
  (decide: typeof schedule): Command =>
  ({ store }, actor, { keyId, reason }) =>
    decide(store, keyId, { actor, reason: reason ?? null });

/** Asks for a DEK to be destroyed; a worker does once the grace period is over and every condition holds. */
export const scheduleDestruction = command(schedule);
export const cancelDestruction = command(cancel);
export const approveDestruction = command(approve);
