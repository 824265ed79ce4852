import { randomUUID } from 'node:crypto';
import type { Vault } from '@rekey/vault';

export interface SeededTenant {
  readonly tenantId: string;
  readonly records: ReadonlyArray<{ readonly target: string; readonly id: string }>;
}

const batch = 1_000;

/** A tenant with records in the proportions 5 : 2 : 10; the ids by target. */
export async function seedTenant(vault: Vault, total: number): Promise<SeededTenant> {
  const tenantId = randomUUID();
  await vault.createTenant({ tenantId, name: 'a tenant' });
  const credentials = Math.floor((total * 5) / 17);
  const apiKeys = Math.floor((total * 2) / 17);
  const records: Array<{ target: string; id: string }> = [];
  for (const [target, count] of [
    ['credentials', credentials],
    ['api_keys', apiKeys],
    ['secrets', total - credentials - apiKeys],
  ] as const) {
    for (let made = 0; made < count; made += batch) {
      const ids = Array.from({ length: Math.min(batch, count - made) }, () => randomUUID());
      await vault.putMany({
        target,
        tenantId,
        records: ids.map((id) => ({ id, value: firstValue(id), columns: { name: `record ${id}` } })),
      });
      records.push(...ids.map((id) => ({ target, id })));
    }
  }
  return { tenantId, records };
}

/** What a record holds until an application writes it. */
export function firstValue(id: string): Buffer {
  return Buffer.from(`the first secret of ${id}, as long as such secrets are: ${'x'.repeat(200)}`);
}
