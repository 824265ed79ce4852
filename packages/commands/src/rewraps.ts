import { randomUUID } from 'node:crypto';
import {
  type StartedRewrap,
  type StartRewrap as StartStored,
  type SteeredRewrap,
  startRewrap as start,
  steerRewrap as steer,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { StartedRewrap, SteeredRewrap };

export type StartRewrap = Omit<StartStored, 'rewrapId' | 'actor'>;

export interface SteerRewrap {
  readonly rewrapId: string;
  readonly wanted: 'paused' | 'in_progress' | 'cancelled';
  readonly reason?: string;
}

/** Begins a rewrap of one tenant's DEKs or of all. A worker finds it in the database within about a second. */
export function startRewrap(
  { store }: CommandDependencies,
  actor: Actor,
  input: StartRewrap,
): Promise<StartedRewrap> {
  return start(store, { ...input, rewrapId: randomUUID(), actor });
}

export function steerRewrap(
  { store }: CommandDependencies,
  actor: Actor,
  { rewrapId, wanted, reason }: SteerRewrap,
): Promise<SteeredRewrap> {
  return steer(store, rewrapId, wanted, { actor, reason: reason ?? null });
}
