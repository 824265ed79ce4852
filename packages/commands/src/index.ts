import {
  type StartCampaign,
  type StartedCampaign,
  type StartedMember,
  type SteerCampaign,
  type SteeredCampaign,
  startCampaign,
  startNextMember,
  steerCampaign,
} from './campaigns.ts';
import { type ChooseKek, type ChosenKek, chooseKek } from './choose-kek.ts';
import { type CompromisedKey, type CompromiseKey, compromiseKey } from './compromise-key.ts';
import { type CreatedTenant, type CreateTenant, createTenant } from './create-tenant.ts';
import type { Actor, CommandDependencies } from './dependencies.ts';
import {
  type CompromisedKek,
  type CompromiseKek,
  compromiseKek,
  replaceCompromised,
} from './kek-compromises.ts';
import { type StartedPlan, type StartPlan, startPlan } from './plans.ts';
import { type PutPolicy, type PutPolicyOutcome, putPolicy } from './policies.ts';
import {
  type StartedRewrap,
  type StartRewrap,
  type SteeredRewrap,
  type SteerRewrap,
  startRewrap,
  steerRewrap,
} from './rewraps.ts';
import { type StartedRotation, type StartRotation, startRotation } from './start-rotation.ts';
import {
  approveDestruction,
  cancelDestruction,
  type SteerDestruction,
  type SteeredDestruction,
  scheduleDestruction,
} from './steer-destruction.ts';
import {
  cancelRotation,
  type LimitedRotation,
  type LimitRotation,
  limitRotation,
  type PausedRotation,
  pauseRotation,
  type RetriedRotation,
  type RetryRotation,
  resumeRotation,
  retryRotation,
  type SteeredRotation,
  type SteerRotation,
} from './steer-rotation.ts';

export type {
  Actor,
  ChooseKek,
  ChosenKek,
  CommandDependencies,
  CompromisedKek,
  CompromisedKey,
  CompromiseKek,
  CompromiseKey,
  CreatedTenant,
  CreateTenant,
  LimitedRotation,
  LimitRotation,
  PausedRotation,
  PutPolicy,
  PutPolicyOutcome,
  RetriedRotation,
  RetryRotation,
  StartCampaign,
  StartedCampaign,
  StartedMember,
  StartedPlan,
  StartedRewrap,
  StartedRotation,
  StartPlan,
  StartRewrap,
  StartRotation,
  SteerCampaign,
  SteerDestruction,
  SteeredCampaign,
  SteeredDestruction,
  SteeredRewrap,
  SteeredRotation,
  SteerRewrap,
  SteerRotation,
};
export { replaceCompromised, startNextMember };

/**
 * What can be done with rotations and keys, whoever asks for it: an API, a command line, a scheduler. Each is `(actor, input) →
 * outcome`: every refusal that a caller may meet is an outcome, and what is thrown is a `StoreError`. Whether the actor may
 * do it is the caller's to know.
 */
export interface Commands {
  createTenant(actor: Actor, input: CreateTenant): Promise<CreatedTenant>;
  startRotation(actor: Actor, input: StartRotation): Promise<StartedRotation>;
  compromiseKey(actor: Actor, input: CompromiseKey): Promise<CompromisedKey>;
  compromiseKek(actor: Actor, input: CompromiseKek): Promise<CompromisedKek>;
  cancelRotation(actor: Actor, input: SteerRotation): Promise<SteeredRotation>;
  pauseRotation(actor: Actor, input: SteerRotation): Promise<PausedRotation>;
  resumeRotation(actor: Actor, input: SteerRotation): Promise<SteeredRotation>;
  retryRotation(actor: Actor, input: RetryRotation): Promise<RetriedRotation>;
  scheduleDestruction(actor: Actor, input: SteerDestruction): Promise<SteeredDestruction>;
  cancelDestruction(actor: Actor, input: SteerDestruction): Promise<SteeredDestruction>;
  approveDestruction(actor: Actor, input: SteerDestruction): Promise<SteeredDestruction>;
  limitRotation(actor: Actor, input: LimitRotation): Promise<LimitedRotation>;
  chooseKek(actor: Actor, input: ChooseKek): Promise<ChosenKek>;
  startPlan(actor: Actor, input: StartPlan): Promise<StartedPlan>;
  startRewrap(actor: Actor, input: StartRewrap): Promise<StartedRewrap>;
  steerRewrap(actor: Actor, input: SteerRewrap): Promise<SteeredRewrap>;
  putPolicy(actor: Actor, input: PutPolicy): Promise<PutPolicyOutcome>;
  startCampaign(actor: Actor, input: StartCampaign): Promise<StartedCampaign>;
  steerCampaign(actor: Actor, input: SteerCampaign): Promise<SteeredCampaign>;
}

export function createCommands(dependencies: CommandDependencies): Commands {
  return {
    createTenant: (actor, input) => createTenant(dependencies, actor, input),
    startRotation: (actor, input) => startRotation(dependencies, actor, input),
    compromiseKey: (actor, input) => compromiseKey(dependencies, actor, input),
    compromiseKek: (actor, input) => compromiseKek(dependencies, actor, input),
    cancelRotation: (actor, input) => cancelRotation(dependencies, actor, input),
    pauseRotation: (actor, input) => pauseRotation(dependencies, actor, input),
    resumeRotation: (actor, input) => resumeRotation(dependencies, actor, input),
    retryRotation: (actor, input) => retryRotation(dependencies, actor, input),
    scheduleDestruction: (actor, input) => scheduleDestruction(dependencies, actor, input),
    cancelDestruction: (actor, input) => cancelDestruction(dependencies, actor, input),
    approveDestruction: (actor, input) => approveDestruction(dependencies, actor, input),
    limitRotation: (actor, input) => limitRotation(dependencies, actor, input),
    chooseKek: (actor, input) => chooseKek(dependencies, actor, input),
    startPlan: (actor, input) => startPlan(dependencies, actor, input),
    startRewrap: (actor, input) => startRewrap(dependencies, actor, input),
    steerRewrap: (actor, input) => steerRewrap(dependencies, actor, input),
    putPolicy: (actor, input) => putPolicy(dependencies, actor, input),
    startCampaign: (actor, input) => startCampaign(dependencies, actor, input),
    steerCampaign: (actor, input) => steerCampaign(dependencies, actor, input),
  };
}
