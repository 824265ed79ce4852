import type { Settings } from './session-settings.ts';

/** Who acts, as events name it; a person's name goes beside the chain, where it can be erased. */
export interface Actor {
  readonly kind: 'user' | 'policy' | 'campaign' | 'worker' | 'operator';
  /** Where the id is unique. */
  readonly realm?: string;
  readonly id: string;
  readonly name?: string;
}

/** For the sessions of a process: what they change is recorded as this actor's, unless a transaction says another. */
export function actingAs(actor: Actor): Settings {
  return { 'rekey.actor': JSON.stringify(actor) };
}
