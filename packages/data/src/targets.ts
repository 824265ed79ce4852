import { type Queryable, rows } from '@rekey/db';
import { escapeIdentifier } from 'pg';

/** The three kinds of items that the HTTP contract counts. */
export const itemTypes = ['credentials', 'apiKeys', 'secrets'] as const;
export type ItemType = (typeof itemTypes)[number];
export type ItemCounts = Record<ItemType, number>;

export type IdType = 'uuid' | 'bigint' | 'text';

/** A table and its columns that hold sealed records. All names but `name` and `column` are quoted for SQL. */
export interface Target {
  readonly name: string;
  readonly itemType: ItemType;
  readonly table: string;
  readonly id: string;
  readonly idType: IdType;
  readonly tenant: string;
  readonly key: string;
  readonly ciphertext: string;
  /** The name of the format that its values are sealed in. */
  readonly format: string;
  /** What a ciphertext is bound to besides its tenant and id, e.g. `credentials.ciphertext`. */
  readonly column: string;
}

export function noItems(): ItemCounts {
  return { credentials: 0, apiKeys: 0, secrets: 0 };
}

/** The same counts, in the order of the contract: JSON out of Postgres has its own. */
export function inOrder(counts: ItemCounts): ItemCounts {
  return { credentials: counts.credentials, apiKeys: counts.apiKeys, secrets: counts.secrets };
}

export function totalOf(counts: ItemCounts): number {
  return itemTypes.reduce((sum, type) => sum + counts[type], 0);
}

/** A row of `rekey.targets` as {@link targetColumns} selects it. */
export interface TargetRow {
  readonly name: string;
  readonly item_type: ItemType;
  readonly table_name: string;
  readonly id_column: string;
  readonly id_type: IdType;
  readonly tenant_column: string;
  readonly key_column: string;
  readonly ciphertext_column: string;
  readonly format: string;
}

/** Every registered target, in the order of names. */
export async function loadTargets(on: Queryable): Promise<Target[]> {
  const found = await rows<TargetRow>(
    on,
    `select ${targetColumns} from rekey.targets where retired_at is null order by name`,
  );
  return found.map(toTarget);
}

export const targetColumns =
  'name, item_type, table_name, id_column, id_type, tenant_column, key_column, ciphertext_column, format';

export function toTarget(target: TargetRow): Target {
  return {
    name: target.name,
    itemType: target.item_type,
    table: target.table_name, // stored quoted, by register_target
    id: escapeIdentifier(target.id_column),
    idType: target.id_type,
    tenant: escapeIdentifier(target.tenant_column),
    key: escapeIdentifier(target.key_column),
    ciphertext: escapeIdentifier(target.ciphertext_column),
    format: target.format,
    column: `${target.name}.${target.ciphertext_column}`,
  };
}
