import { randomUUID } from 'node:crypto';
import type { Vault } from '@rekey/vault';
import type { History } from '../history.ts';

/** A record that the run reads and perhaps writes. One writer has it, so that the order of its values is known. */
export interface ChaosRecord {
  readonly index: number;
  readonly tenantId: string;
  readonly target: string;
  readonly id: string;
  /** The last version that was begun. */
  version: number;
}

export interface ChaosTenant {
  readonly tenantId: string;
  readonly records: readonly ChaosRecord[];
  /** Nobody reads or writes these but who damages them. */
  readonly victims: readonly ChaosRecord[];
}

const seedBatch = 1_000;
const victimsPerTenant = 6;
/** The size of a tenant that only nemesis and sweep work with: its counts stand still. */
export const quietSize = 60;

/** Tenants of these sizes, their records in the proportions 5 : 2 : 10, each at version 0. */
export async function seedTenants(
  vault: Vault,
  history: History,
  sizes: readonly number[],
): Promise<ChaosTenant[]> {
  const tenants: ChaosTenant[] = [];
  let index = 0;
  for (const [nth, size] of sizes.entries()) {
    const tenantId = randomUUID();
    await vault.createTenant({ tenantId, name: `tenant ${nth}` });
    const all = Array.from({ length: size }, (_, i): ChaosRecord => {
      const target = i % 17 < 5 ? 'credentials' : i % 17 < 7 ? 'api_keys' : 'secrets';
      return { index: index++, tenantId, target, id: randomUUID(), version: 0 };
    });
    for (const target of ['credentials', 'api_keys', 'secrets']) {
      const mine = all.filter((record) => record.target === target);
      for (let from = 0; from < mine.length; from += seedBatch) {
        await vault.putMany({
          target,
          tenantId,
          records: mine
            .slice(from, from + seedBatch)
            .map((record) => ({ id: record.id, value: valueAt(record.index, 0), columns: nameOf(record) })),
        });
      }
    }
    for (const { index: r, target, id } of all) {
      history.add({ t: 'record', r, tenant: tenantId, place: `${target}/${id}` });
    }
    const victims = size === quietSize ? all : size >= 300 ? all.slice(0, victimsPerTenant) : [];
    tenants.push({ tenantId, records: all.slice(victims.length), victims });
  }
  return tenants;
}

export function nameOf({ index }: Pick<ChaosRecord, 'index'>): { name: string } {
  return { name: `record ${index}` };
}

const padding = 'x'.repeat(120);

/** What a record holds: its own index and the version, so that any value tells whose and which it is. */
export function valueAt(index: number, version: number): Buffer {
  return Buffer.from(`record ${index} version ${version} ${padding}`);
}

/** The version in a value of that record; undefined when it is none of its values. */
export function versionIn(index: number, value: Buffer): number | undefined {
  const [, own, version] = /^record (\d+) version (\d+) x+$/.exec(value.toString('utf8')) ?? [];
  return Number(own) === index && version !== undefined ? Number(version) : undefined;
}
