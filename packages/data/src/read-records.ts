import { arrayText, type Queryable, rows } from '@rekey/db';
import type { Target } from './targets.ts';

export interface StoredRecord {
  /** As it stands in the table: by a collation of the column's, that may be another text than the one asked for. */
  readonly id: string;
  /** Null when it is longer than asked for: then it was not sent. */
  readonly ciphertext: Buffer | null;
  /** Whether a DEK stands ready to become active. */
  readonly dekAhead: boolean;
}

const dekAhead = `exists (select from rekey.deks d where d.tenant_id = $1 and d.state = 'pre_active') as dek_ahead`;

/** Null: there is no such record. */
export async function readRecord(
  on: Queryable,
  target: Target,
  wanted: { readonly tenantId: string; readonly id: string; readonly ciphertextBytesMax: number },
): Promise<StoredRecord | null> {
  const [found] = await rows<{ id: string; ciphertext: Buffer | null; dek_ahead: boolean }>(
    on,
    `select ${target.id}::text as id,
       case when octet_length(${target.ciphertext}) <= $3 then ${target.ciphertext} end as ciphertext, ${dekAhead}
     from ${target.table} where ${target.tenant} = $1 and ${target.id} = $2::${target.idType}
       and ${target.ciphertext} is not null`,
    [wanted.tenantId, wanted.id, wanted.ciphertextBytesMax],
  );
  return found === undefined
    ? null
    : { id: found.id, ciphertext: found.ciphertext, dekAhead: found.dek_ahead };
}

export interface ReadRecords {
  readonly tenantId: string;
  readonly ids: readonly string[];
  readonly ciphertextBytesMax: number;
  /** Of all ciphertexts together: what goes beyond is not sent, but for the first. */
  readonly bytesMax: number;
}

export interface FoundRecord extends StoredRecord {
  /** Which of the ids asked for it was. */
  readonly given: string;
  /** Of its ciphertext. */
  readonly bytes: number;
}

/** Those of the records that there are, in the order of the ids asked for. */
export async function readRecords(
  on: Queryable,
  target: Target,
  { tenantId, ids, ciphertextBytesMax, bytesMax }: ReadRecords,
): Promise<FoundRecord[]> {
  const found = await rows<{
    n: number;
    id: string;
    bytes: number;
    ciphertext: Buffer | null;
    dek_ahead: boolean;
  }>(
    on,
    `select n, id, bytes, case when bytes <= $3 and (total <= $4 or ordinal = 1) then ciphertext end as ciphertext, ${dekAhead}
     from (
       select w.n::int as n, t.${target.id}::text as id, t.${target.ciphertext} as ciphertext,
         octet_length(t.${target.ciphertext}) as bytes,
         sum(octet_length(t.${target.ciphertext})) over before as total, row_number() over before as ordinal
       from unnest($2::${target.idType}[]) with ordinality as w(id, n) join ${target.table} t on t.${target.id} = w.id
       where t.${target.tenant} = $1 and t.${target.ciphertext} is not null
       window before as (order by w.n)) found
     order by n`,
    [tenantId, arrayText(ids), ciphertextBytesMax, bytesMax],
  );
  return found.map(({ n, dek_ahead, ...record }) => ({
    ...record,
    given: ids[n - 1] ?? record.id,
    dekAhead: dek_ahead,
  }));
}

/** Deletes the row; whether there was one. */
export async function deleteRecord(
  on: Queryable,
  target: Target,
  { tenantId, id }: { readonly tenantId: string; readonly id: string },
): Promise<boolean> {
  const deleted = await rows(
    on,
    `delete from ${target.table} where ${target.tenant} = $1 and ${target.id} = $2::${target.idType} returning 1 as one`,
    [tenantId, id],
  );
  return deleted.length > 0;
}
