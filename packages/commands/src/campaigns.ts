import { randomUUID } from 'node:crypto';
import {
  type StartedCampaign,
  type StartedMember,
  type StartCampaign as StartStored,
  type SteeredCampaign,
  startCampaign as start,
  startMember,
  steerCampaign as steer,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { StartedCampaign, StartedMember, SteeredCampaign };

export type StartCampaign = Omit<StartStored, 'campaignId' | 'actor'>;

export interface SteerCampaign {
  readonly campaignId: string;
  readonly wanted: 'paused' | 'in_progress' | 'cancelled';
  readonly reason?: string;
}

/** Begins a campaign. Workers find it in the database within about a second. */
export function startCampaign(
  { store }: CommandDependencies,
  actor: Actor,
  input: StartCampaign,
): Promise<StartedCampaign> {
  return start(store, { ...input, campaignId: randomUUID(), actor });
}

export function steerCampaign(
  { store }: CommandDependencies,
  actor: Actor,
  { campaignId, wanted, reason }: SteerCampaign,
): Promise<SteeredCampaign> {
  return steer(store, campaignId, wanted, { actor, reason: reason ?? null });
}

/**
 * Starts the next tenant of whichever campaign has room for one, with the campaign as the actor. Durable when it resolves; a
 * ticket that is lost is put back by recovery, as that of any rotation. Nobody has its id yet who could poll for a snapshot.
 */
export async function startNextMember({
  store,
  ticketQueue,
}: Pick<CommandDependencies, 'store' | 'ticketQueue'>): Promise<StartedMember | null> {
  const next = await startMember(store);
  if (next?.outcome === 'started' && next.action === 'rotate' && next.workId !== null)
    await ticketQueue.enqueue({ rotationId: next.workId, tenantId: next.tenantId });
  return next;
}
