import { declareCompromised } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';
import { type StartedRotation, type StartRotation, startRotation } from './start-rotation.ts';

export interface CompromiseKey extends Pick<StartRotation, 'tenantId' | 'reason' | 'kek' | 'idempotency'> {
  readonly keyId: string;
}

/**
 * - `started`: it is the active one, and a rotation replaces it; it is compromised from the switch on.
 * - `marked`, `unchanged`: it is out of use, and compromised; since this call or before.
 * - `refused`: it has never been in use, or is destroyed.
 */
export type CompromisedKey =
  | Exclude<StartedRotation, { kind: 'not_active' | 'tenant_not_found' | 'too_soon' | 'unusable_plan' }>
  | { readonly kind: 'marked' | 'unchanged' }
  | { readonly kind: 'refused'; readonly state: 'pre_active' | 'destroyed' }
  | { readonly kind: 'not_found' };

/** Declares one key compromised: the active one by a rotation that comes before all others, one that is out of use at once. */
export async function compromiseKey(
  dependencies: CommandDependencies,
  actor: Actor,
  call: CompromiseKey,
): Promise<CompromisedKey> {
  const { keyId, tenantId, reason, kek, idempotency } = call;
  const started = await startRotation(dependencies, actor, {
    tenantId,
    reason,
    kek,
    ...(idempotency === undefined ? {} : { idempotency }),
    compromise: true,
    activeDekId: keyId,
  });
  switch (started.kind) {
    case 'not_active':
      break;
    case 'tenant_not_found':
    case 'too_soon':
    // None was named.
    case 'unusable_plan':
      return { kind: 'not_found' };
    default:
      return started;
  }
  const before = await declareCompromised(dependencies.store, keyId, { actor, reason: reason ?? null });
  switch (before) {
    case null:
      return { kind: 'not_found' };
    case 'deactivated':
      return { kind: 'marked' };
    // It became that since it was looked at, which happens once to a key.
    case 'active':
      return compromiseKey(dependencies, actor, call);
    case 'compromised':
      return { kind: 'unchanged' };
    case 'pre_active':
    case 'destroyed':
      return { kind: 'refused', state: before };
  }
}
