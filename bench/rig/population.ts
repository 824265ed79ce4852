import { randomUUID } from 'node:crypto';
import { openStore, type Store } from '@rekey/db';
import { migrate } from '@rekey/schema';
import { createVault } from '@rekey/vault';
import { createTenant, fill } from './dataset.ts';
import type { Rig, ScratchDatabase } from './rig.ts';

/** A database with many tenants, in the three tables that ship. */
export interface Population extends ScratchDatabase {
  readonly tenantIds: readonly string[];
}

const lanes = 4;

/** One tenant per entry of `sizes`, with so many records in the proportions 5 : 2 : 10. */
export async function populate(rig: Rig, sizes: readonly number[], valueBytes: number): Promise<Population> {
  const database = await rig.database();
  await migrate(database.url);
  const store = openStore({ url: database.url, max: lanes + 2, onError: () => {} });
  const vault = createVault({ store, kek: rig.kek, prefetch: false });
  const tenants = sizes.map((records) => ({ tenantId: randomUUID(), records }));
  const left = [...tenants];
  const lane = async (): Promise<void> => {
    for (let tenant = left.pop(); tenant !== undefined; tenant = left.pop()) {
      rig.signal.throwIfAborted();
      const { tenantId, records } = tenant;
      await createTenant(vault, tenantId);
      const credentials = Math.floor((records * 5) / 17);
      const apiKeys = Math.floor((records * 2) / 17);
      await fill(vault, tenantId, 'credentials', randomUUID, credentials, valueBytes);
      await fill(vault, tenantId, 'api_keys', randomUUID, apiKeys, valueBytes);
      await fill(vault, tenantId, 'secrets', randomUUID, records - credentials - apiKeys, valueBytes);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
    await store.query('vacuum (analyze)');
  } finally {
    await vault.close();
    await store.end();
  }
  return { ...database, tenantIds: tenants.map(({ tenantId }) => tenantId) };
}

/** Runs `work` with a store that is closed afterwards. */
export async function withStore<T>(url: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore({ url, max: 2, onError: () => {} });
  try {
    return await work(store);
  } finally {
    await store.end();
  }
}
