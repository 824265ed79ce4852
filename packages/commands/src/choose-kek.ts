import { randomUUID } from 'node:crypto';
import {
  type ChooseKek as Choose,
  type ChosenKekOutcome,
  chooseKek as choose,
  findKekId,
  findLacking,
  type LackingProcess,
  templateId,
} from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';

export interface ChooseKek extends Pick<Choose, 'tenantId' | 'kek' | 'parts' | 'mayShare'> {
  readonly reason?: string | undefined;
}

export type ChosenKek =
  | { readonly kind: Exclude<ChosenKekOutcome, 'lacking'> }
  /** These live processes could not unwrap what is wrapped under it; none: no worker has it. */
  | { readonly kind: 'lacking'; readonly lacking: readonly LackingProcess[] };

/** Chooses the KEK of a tenant's next DEK. A worker tries it, and it is used from then on. */
export async function chooseKek(
  { store }: Pick<CommandDependencies, 'store'>,
  actor: Actor,
  { reason, ...call }: ChooseKek,
): Promise<ChosenKek> {
  const kind = await choose(store, { ...call, choiceId: randomUUID(), actor, reason: reason ?? null });
  if (kind !== 'lacking') return { kind };
  const name = call.kek ?? '';
  const kekId = call.mayShare ? await findKekId(store, name) : null;
  return { kind, lacking: await findLacking(store, kekId ?? templateId(name)) };
}
