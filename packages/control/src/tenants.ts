import { type Queryable, rows } from '@rekey/db';

export async function tenantExists(on: Queryable, tenantId: string): Promise<boolean> {
  return (await rows(on, 'select from rekey.tenants where id = $1', [tenantId])).length === 1;
}
