import { type Queryable, row } from '@rekey/db';

export async function tenantExists(on: Queryable, tenantId: string): Promise<boolean> {
  return (await row<{ exists: boolean }>(on, 'select rekey.tenant_exists($1) as exists', [tenantId])).exists;
}
