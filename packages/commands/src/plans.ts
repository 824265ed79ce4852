import { randomUUID } from 'node:crypto';
import { type StartedPlan, type StartPlan as StartStored, startPlan as start } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { StartedPlan };

export type StartPlan = Omit<StartStored, 'planId' | 'actor'>;

/** Begins a plan of a tenant's rotation. A worker finds it in the database within about a second. */
export function startPlan(
  { store }: CommandDependencies,
  actor: Actor,
  input: StartPlan,
): Promise<StartedPlan> {
  return start(store, { ...input, planId: randomUUID(), actor });
}
