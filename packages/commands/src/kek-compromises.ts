import { randomUUID } from 'node:crypto';
import {
  type CompromisedByKek,
  type StartedKekCompromise,
  type StartKekCompromise as StartStored,
  startKekCompromise as start,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';
import { type StartedRotation, startRotation } from './start-rotation.ts';

export type CompromiseKek = Omit<StartStored, 'compromiseId' | 'actor'>;
export type CompromisedKek = StartedKekCompromise;

/** Declares a KEK compromised. A worker finds it in the database within about a second. */
export function compromiseKek(
  { store }: CommandDependencies,
  actor: Actor,
  input: CompromiseKek,
): Promise<CompromisedKek> {
  return start(store, { ...input, compromiseId: randomUUID(), actor });
}

/** Has a tenant's DEK replaced that was under a compromised KEK, for whoever declared that. */
export function replaceCompromised(
  dependencies: Pick<CommandDependencies, 'store' | 'ticketQueue'>,
  { tenantId, dekId, kekName, forced, reason, initiatedBy }: CompromisedByKek,
): Promise<StartedRotation> {
  return startRotation(dependencies, initiatedBy, {
    tenantId,
    reason,
    kek: kekName,
    force: forced,
    compromise: true,
    ...(dekId === null ? {} : { activeDekId: dekId }),
  });
}
