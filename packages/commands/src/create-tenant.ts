import { type AddedTenant, addTenant } from '@rekey/control';
import type { Actor, CommandDependencies } from './dependencies.ts';
import { startRotation } from './start-rotation.ts';

export interface CreateTenant {
  readonly tenantId: string;
  readonly name: string;
}

export type CreatedTenant = AddedTenant;

/**
 * Makes sure that there is a tenant, and that a worker makes its first DEK: no process of the API holds a key. Repeated after a
 * crash in between it goes on from there.
 */
export async function createTenant(
  dependencies: CommandDependencies,
  actor: Actor,
  { tenantId, name }: CreateTenant,
): Promise<CreatedTenant> {
  const tenant = await addTenant(dependencies.store, { tenantId, name, actor });
  if (tenant.outcome === 'other_name' || tenant.dekId !== null || tenant.rotationId !== null) return tenant;
  const started = await startRotation(dependencies, actor, {
    tenantId,
    reason: 'the first key of the tenant',
  });
  if (started.kind === 'started') return { ...tenant, rotationId: started.view.id };
  // Somebody else has called for it in between.
  if (started.kind === 'in_progress') return { ...tenant, rotationId: started.rotationId };
  throw new Error(`the first rotation of a tenant is answered ${started.kind}`);
}
