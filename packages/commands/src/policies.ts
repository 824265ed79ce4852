import { type PutPolicyOutcome, type PutPolicy as PutStored, putPolicy as put } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export type { PutPolicyOutcome };

export type PutPolicy = Omit<PutStored, 'actor' | 'reason'> & { readonly reason?: string | undefined };

/** Puts a tenant's policy or the default. What it asks for is found by whichever worker looks next. */
export function putPolicy(
  { store }: CommandDependencies,
  actor: Actor,
  { reason, ...input }: PutPolicy,
): Promise<PutPolicyOutcome> {
  return put(store, { ...input, actor, reason: reason ?? null });
}
