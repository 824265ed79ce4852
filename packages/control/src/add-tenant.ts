import { type Queryable, row } from '@rekey/db';
import type { Initiator } from './initiator.ts';

export interface AddedTenant {
  /** `other_name`: there is one of another name, which keeps it. */
  readonly outcome: 'added' | 'there' | 'other_name';
  readonly createdAt: Date;
  /** The active DEK; null while its first rotation has not made it. */
  readonly dekId: string | null;
  /** The rotation that is unfinished; null when there is none. */
  readonly rotationId: string | null;
}

/** Makes sure that there is a tenant of that id and name. It has no DEK from this: its first rotation gives it one. */
export async function addTenant(
  on: Queryable,
  tenant: { readonly tenantId: string; readonly name: string; readonly actor: Initiator },
): Promise<AddedTenant> {
  const { outcome, created_at, dek, rotation } = await row<{
    outcome: AddedTenant['outcome'];
    created_at: Date;
    dek: string | null;
    rotation: string | null;
  }>(on, 'select outcome, created_at, dek, rotation from rekey.add_tenant($1, $2, $3)', [
    tenant.tenantId,
    tenant.name,
    JSON.stringify(tenant.actor),
  ]);
  return { outcome, createdAt: created_at, dekId: dek, rotationId: rotation };
}
