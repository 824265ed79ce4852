import { type Queryable, rows } from '@rekey/db';
import { escapeIdentifier } from 'pg';
import { encodeArray } from './pg-binary.ts';
import type { Target } from './targets.ts';

/** A plain column's value, as an application gives it. */
export type ColumnValue = string | number | boolean | Date | null;

export interface SealedWrite {
  /** The binary image of the id. */
  readonly id: Buffer;
  readonly ciphertext: Buffer;
  readonly columns: Readonly<Record<string, ColumnValue>>;
}

interface WriteRecords {
  readonly tenantId: string;
  readonly keyNumber: number;
  readonly records: readonly SealedWrite[];
}

/** A record's ciphertext, and whether a DEK stands ready to become active; null when there is no such record. */
export async function readRecord(
  on: Queryable,
  target: Target,
  tenantId: string,
  id: string,
): Promise<{ ciphertext: Buffer; dekAhead: boolean } | null> {
  const [found] = await rows<{ ciphertext: Buffer; dek_ahead: boolean }>(
    on,
    `select ${target.ciphertext} as ciphertext,
       exists (select from rekey.deks d where d.tenant_id = $1 and d.state = 'pre_active') as dek_ahead
     from ${target.table} where ${target.tenant} = $1 and ${target.id} = $2::${target.idType}
       and ${target.ciphertext} is not null`,
    [tenantId, id],
  );
  return found === undefined ? null : { ciphertext: found.ciphertext, dekAhead: found.dek_ahead };
}

/**
 * Replaces the ciphertexts of records that exist; returns how many did. Their plain columns stay, but for an
 * `updated_at`, which is set.
 */
export async function replaceRecords(on: Queryable, target: Target, write: WriteRecords): Promise<number> {
  const types = await columnTypes(on, target);
  const touched = types.has('updated_at') ? ', updated_at = now()' : '';
  const replaced = await rows(
    on,
    `update ${target.table} t set ${target.key} = $3, ${target.ciphertext} = w.ciphertext${touched}
     from unnest($1::${target.idType}[], $2::bytea[]) as w(id, ciphertext)
     where t.${target.id} = w.id and t.${target.tenant} = $4 returning 1`,
    [...images(target, write.records), write.keyNumber, write.tenantId],
  );
  return replaced.length;
}

/**
 * Inserts records, or replaces those that exist, plain columns included; returns how many were written. One whose id
 * belongs to another tenant is not. Every record names the same columns.
 */
export async function upsertRecords(on: Queryable, target: Target, write: WriteRecords): Promise<number> {
  const types = await columnTypes(on, target);
  const names = Object.keys(write.records[0]?.columns ?? {});
  for (const name of names) {
    if (!types.has(name)) throw new TypeError(`table ${target.table} has no column ${name} to write`);
  }
  const quoted = names.map((name) => escapeIdentifier(name));
  const columns = [target.id, target.ciphertext, ...quoted];
  const arrays = names.map((name, i) => `$${5 + i}::text[]::${types.get(name) ?? 'text'}[]`);
  const replaced = [target.key, target.ciphertext, ...quoted].map(
    (column) => `${column} = excluded.${column}`,
  );
  if (types.has('updated_at') && !names.includes('updated_at')) replaced.push('updated_at = now()');
  const written = await rows(
    on,
    `insert into ${target.table} as t (${columns.join(', ')}, ${target.key}, ${target.tenant})
     select w.*, $3::int, $4::uuid
     from unnest(${[`$1::${target.idType}[]`, '$2::bytea[]', ...arrays].join(', ')}) as w
     on conflict (${target.id}) do update set ${replaced.join(', ')}
     where t.${target.tenant} = excluded.${target.tenant} returning 1`,
    [
      ...images(target, write.records),
      write.keyNumber,
      write.tenantId,
      ...names.map((name) => write.records.map(({ columns: values }) => asText(values[name] ?? null))),
    ],
  );
  return written.length;
}

function images(target: Target, records: readonly SealedWrite[]): [Buffer, Buffer] {
  return [
    encodeArray(
      target.idType,
      records.map(({ id }) => id),
    ),
    encodeArray(
      'bytea',
      records.map(({ ciphertext }) => ciphertext),
    ),
  ];
}

function asText(value: ColumnValue): string | null {
  if (value === null) return null;
  return value instanceof Date ? value.toISOString() : String(value);
}

// By the target that was loaded, not by its name: a process may work on several databases.
const knownTypes = new WeakMap<Target, Promise<ReadonlyMap<string, string>>>();

/** The plain columns of a target's table and their types; looked up once per process. */
function columnTypes(on: Queryable, target: Target): Promise<ReadonlyMap<string, string>> {
  const known = knownTypes.get(target);
  if (known !== undefined) return known;
  const looking = (async () => {
    const found = await rows<{ name: string; type: string }>(
      on,
      `select attname as name, format_type(atttypid, null) as type from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [target.table],
    );
    const sealed = new Set([target.id, target.tenant, target.key, target.ciphertext]);
    return new Map(
      found.filter(({ name }) => !sealed.has(escapeIdentifier(name))).map(({ name, type }) => [name, type]),
    );
  })();
  looking.catch(() => knownTypes.delete(target));
  knownTypes.set(target, looking);
  return looking;
}
