import {
  arrayText,
  askElsewhere,
  byteaText,
  isPg,
  type Queryable,
  rows,
  StoreError,
  speaking,
} from '@rekey/db';
import { escapeIdentifier } from 'pg';
import { encodeArray, idText } from './pg-binary.ts';
import { type ColumnValue, columnText, type PlainColumn, plainColumns } from './plain-columns.ts';
import { RecordError, refusalOf } from './record-error.ts';
import type { Target } from './targets.ts';

export interface SealedWrite {
  /** The binary image of the id. */
  readonly id: Buffer;
  readonly ciphertext: Buffer;
  readonly columns: Readonly<Record<string, ColumnValue>>;
}

export interface WriteRecords {
  readonly tenantId: string;
  readonly keyNumber: number;
  readonly records: readonly SealedWrite[];
}

/**
 * Replaces the ciphertexts of records that exist; returns how many did. Their plain columns stay, but for an
 * `updated_at`, which is set.
 */
export async function replaceRecords(on: Queryable, target: Target, write: WriteRecords): Promise<number> {
  const known = await plainColumns(on, target);
  const touched = known.has('updated_at') ? ', updated_at = now()' : '';
  return written(
    on,
    write,
    `update ${target.table} t set ${target.key} = $3, ${target.ciphertext} = w.ciphertext${touched}
     from unnest($1::${target.idType}[], $2::bytea[]) as w(id, ciphertext)
     where t.${target.id} = w.id and t.${target.tenant} = $4${sameSpelling(target, 'w.id')}`,
    [...images(on, target, write.records), write.keyNumber, write.tenantId],
  );
}

/**
 * Inserts records, or replaces those that exist, plain columns included; returns how many were written. One whose id
 * belongs to another tenant, or stands there in another spelling, is not: see {@link findUnwritten}. Every record names
 * the same columns. Throws {@link RecordError} for a value that would not be stored as it is.
 */
export async function upsertRecords(on: Queryable, target: Target, write: WriteRecords): Promise<number> {
  const { types, columns, values } = await plainValues(on, target, write.records);
  const quoted = columns.map(({ name }) => escapeIdentifier(name));
  const replaced = [target.key, target.ciphertext, ...quoted].map((name) => `${name} = excluded.${name}`);
  const touches = types.has('updated_at') && !columns.some(({ name }) => name === 'updated_at');
  if (touches) replaced.push('updated_at = now()');
  const altered = columns.flatMap(({ column }, i) => column.altered(`w.c${i}`) ?? []);
  const given = [`$1::${target.idType}[]`, '$2::bytea[]', ...columns.map((_, i) => `$${5 + i}::text[]`)];
  const names = ['id', 'ciphertext', ...columns.map((_, i) => `c${i}`)];
  const selected = ['w.id', 'w.ciphertext', ...columns.map(({ column }, i) => `w.c${i}::${column.base}`)];
  return written(
    on,
    write,
    `insert into ${target.table} as t (${[target.id, target.ciphertext, ...quoted].join(', ')}, ${target.key}, ${target.tenant})
     select ${selected.join(', ')}, $3::int, $4::uuid from unnest(${given.join(', ')}) as w(${names.join(', ')})
     ${altered.length === 0 ? '' : `where not (${altered.join(' or ')})`}
     on conflict (${target.id}) do update set ${replaced.join(', ')}
     where t.${target.tenant} = excluded.${target.tenant}${sameSpelling(target, `excluded.${target.id}`)}`,
    [...images(on, target, write.records), write.keyNumber, write.tenantId, ...values],
  );
}

/** What keeps records from being written: an id of another tenant's, or ids as the table has them, by those given. */
export type Unwritten =
  | { readonly kind: 'taken' }
  | { readonly kind: 'spelled_otherwise'; readonly stored: ReadonlyMap<string, string> };

/** After fewer were written than given. Throws {@link RecordError} when it lies with the values, or with the table. */
export async function findUnwritten(
  on: Queryable,
  target: Target,
  { tenantId, records }: Pick<WriteRecords, 'tenantId' | 'records'>,
): Promise<Unwritten> {
  const [ids] = images(on, target, records);
  const found = await rows<{ mine: boolean; given: string; stored: string }>(
    on,
    `select t.${target.tenant} = $2 as mine, w.id::text as given, t.${target.id}::text as stored
     from unnest($1::${target.idType}[]) as w(id) join ${target.table} t on t.${target.id} = w.id
     where t.${target.tenant} <> $2 or t.${target.id}::text collate "C" <> w.id::text collate "C"`,
    [ids, tenantId],
  );
  if (found.some(({ mine }) => !mine)) return { kind: 'taken' };
  if (found.length > 0) {
    return { kind: 'spelled_otherwise', stored: new Map(found.map(({ given, stored }) => [given, stored])) };
  }
  const { columns, values } = await plainValues(on, target, records);
  for (const [i, { name, column }] of columns.entries()) {
    const altered = column.altered('w.value');
    if (altered === null) continue;
    const changed = await rows(on, `select from unnest($1::text[]) as w(value) where ${altered} limit 1`, [
      values[i],
    ]);
    if (changed.length === 0) continue;
    throw new RecordError('VALUE_REFUSED', `Column ${name} would hold another value than the one given`);
  }
  throw new RecordError(
    'NOT_WRITTEN',
    `A trigger or a rule of ${target.table} kept a record from being written`,
  );
}

/** The columns that the records name, and their values, an array for each. */
async function plainValues(on: Queryable, target: Target, records: readonly SealedWrite[]) {
  const types = await plainColumns(on, target);
  const columns = Object.keys(records[0]?.columns ?? {}).map(
    (name): { name: string; column: PlainColumn } => {
      const column = types.get(name);
      if (column !== undefined) return { name, column };
      throw new RecordError('COLUMNS_CHANGED', `Table ${target.table} has no column ${name} to write`);
    },
  );
  const values = columns.map(({ name, column }) =>
    records.map((record) => columnText(name, record.columns[name] ?? null, column)),
  );
  return { types, columns, values };
}

/** A ciphertext is bound to the bytes of its id: where a collation takes two texts for one, only to those stored. */
function sameSpelling({ id, idType }: Target, given: string): string {
  return idType === 'text' ? ` and t.${id} collate "C" = ${given} collate "C"` : '';
}

/** Runs a statement that writes records; how many. Throws {@link RecordError} for what it says against their values. */
async function written(
  on: Queryable,
  { records }: WriteRecords,
  text: string,
  values: readonly unknown[],
): Promise<number> {
  return speaking(async () => {
    try {
      const { rowCount } = await (isPg(on) ? on.query(text, [...values]) : askElsewhere(on, text, values));
      if (typeof rowCount === 'number') return rowCount;
    } catch (error) {
      throw (
        refusalOf(
          error,
          records.reduce((longest, { id }) => Math.max(longest, id.length), 0),
        ) ?? error
      );
    }
    throw new StoreError(
      'UNFIT',
      'The connection given does not say how many rows a statement wrote (rowCount)',
    );
  });
}

/** Ids and ciphertexts as two arrays: in binary (pg-binary.ts), or as any driver takes them. */
function images(
  on: Queryable,
  { idType }: Target,
  records: ReadonlyArray<Pick<SealedWrite, 'id' | 'ciphertext'>>,
): [Buffer, Buffer] | [string, string] {
  const ids = records.map(({ id }) => id);
  const ciphertexts = records.map(({ ciphertext }) => ciphertext);
  return isPg(on)
    ? [encodeArray(idType, ids), encodeArray('bytea', ciphertexts)]
    : [arrayText(ids.map((id) => idText(idType, id))), arrayText(ciphertexts.map(byteaText))];
}
