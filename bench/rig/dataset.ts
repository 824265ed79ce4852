import { randomBytes, randomUUID } from 'node:crypto';
import { openStore, type Store } from '@rekey/db';
import { migrate } from '@rekey/schema';
import { createVault, type Vault } from '@rekey/vault';
import { type IdKind, idMaker } from './ids.ts';
import type { Rig, ScratchDatabase } from './rig.ts';

export interface DatasetPlan {
  readonly records: number;
  readonly valueBytes: number;
  /** Records of another tenant in the same table, spread among the tenant's, per record of the tenant. */
  readonly bystanders: number;
  readonly idKind: IdKind;
}

/** A database with one tenant's records in `public.bench_records`, from which each run gets a copy of its own. */
export interface Dataset extends DatasetPlan {
  readonly tenantId: string;
  /** A tenant in another table, by which a fresh process is warmed up. */
  readonly warmUpTenantId: string;
  copy(): Promise<ScratchDatabase>;
  drop(): Promise<void>;
}

export const benchTable = 'public.bench_records';
export const benchTarget = 'bench_records';
const warmUpRecords = 5_000;
const warmUpValueBytes = 296;
const batchRecords = 200;
const lanes = 3;

export async function makeDataset(rig: Rig, plan: DatasetPlan): Promise<Dataset> {
  const template = await rig.database();
  await migrate(template.url);
  const store = openStore({ url: template.url, max: lanes + 2, onError: () => {} });
  const vault = createVault({ store, kek: rig.kek, prefetch: false });
  const [tenantId, warmUpTenantId] = [randomUUID(), randomUUID()];
  try {
    await createTable(store, plan.idKind);
    for (const tenant of [tenantId, warmUpTenantId]) await createTenant(vault, tenant);
    await fill(vault, warmUpTenantId, 'api_keys', randomUUID, warmUpRecords, warmUpValueBytes);
    await seed(rig, vault, tenantId, plan);
    await store.query('vacuum (analyze)');
  } finally {
    await vault.close();
    await store.end();
  }
  return {
    ...plan,
    tenantId,
    warmUpTenantId,
    copy: () => rig.database(template.name),
    drop: () => template.drop(),
  };
}

/** As `public.secrets`, with an id of any kind. */
async function createTable(store: Store, idKind: IdKind): Promise<void> {
  await store.query(
    `create table ${benchTable} (
       id ${idKind === 'bigint' ? 'bigint' : 'uuid'} primary key,
       tenant_id uuid not null,
       name text not null,
       key_number integer not null,
       ciphertext bytea not null,
       created_at timestamptz not null default now(),
       updated_at timestamptz not null default now()
     ) with (fillfactor = 90)`,
  );
  await store.query(`create index bench_records_by_tenant on ${benchTable} (tenant_id, id)`);
  await store.query(`select rekey.register_target('${benchTarget}', 'secrets', '${benchTable}')`);
}

async function seed(rig: Rig, vault: Vault, tenantId: string, plan: DatasetPlan): Promise<void> {
  const bystanderId = randomUUID();
  if (plan.bystanders > 0) await createTenant(vault, bystanderId);
  const nextId = idMaker(plan.idKind);
  const batches = Math.ceil(plan.records / batchRecords);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < batches) {
      rig.signal.throwIfAborted();
      const made = next * batchRecords;
      next += 1;
      const size = Math.min(batchRecords, plan.records - made);
      await fill(vault, tenantId, benchTarget, nextId, size, plan.valueBytes);
      await fill(
        vault,
        bystanderId,
        benchTarget,
        nextId,
        Math.round(size * plan.bystanders),
        plan.valueBytes,
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

export async function createTenant(vault: Vault, tenantId: string): Promise<void> {
  await vault.createTenant({ tenantId, name: 'a tenant of the benchmark' });
}

/** Puts new records of random bytes. */
export async function fill(
  vault: Vault,
  tenantId: string,
  target: string,
  nextId: () => string,
  records: number,
  valueBytes: number,
): Promise<string[]> {
  const ids = Array.from({ length: records }, nextId);
  for (let at = 0; at < records; at += 1_000) {
    await vault.putMany({
      target,
      tenantId,
      records: ids.slice(at, at + 1_000).map((id) => ({
        id,
        value: randomBytes(valueBytes),
        columns: { name: 'a record of the benchmark' },
      })),
    });
  }
  return ids;
}
