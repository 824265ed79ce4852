import { type Queryable, rows } from '@rekey/db';
import { escapeLiteral } from 'pg';
import { literals, within } from './range-bounds.ts';
import type { Target } from './targets.ts';

export interface SizesOrder {
  readonly tenantId: string;
  /** Exclusive. */
  readonly after: string | null;
  /** How many records one statement looks at. */
  readonly itemsMax: number;
  /** Which records are named: a share of them, by a hash of their ids with a seed; null: none. */
  readonly sample: { readonly seed: number; readonly share: number } | null;
}

export interface SizesRead {
  readonly records: number;
  /** Of their ciphertexts. */
  readonly bytes: number;
  /** Of the DEKs that they are under. */
  readonly keyNumbers: readonly number[];
  /** The sample, but for records that are larger than this installation allows. */
  readonly sampled: ReadonlyArray<{ readonly id: string; readonly bytes: number }>;
  readonly sampledTooLarge: number;
  /** The last id that was looked at; null: there is nothing behind it. */
  readonly next: string | null;
}

/** How large the next of a tenant's records are, whatever DEK they are under. No ciphertext is read. */
export async function readSizes(on: Queryable, target: Target, order: SizesOrder): Promise<SizesRead> {
  const { tenant, id, key, ciphertext, table, format } = target;
  const bounds = literals(target, order.tenantId, order.after, null);
  const [found] = await rows<{
    records: string;
    bytes: string;
    keys: number[];
    sampled: string[];
    sampled_bytes: number[];
    too_large: string;
    last: string | null;
  }>(
    on,
    `with looked_at as materialized (
       select s.*, ${chosen(order.sample)} as chosen, s.bytes > ${largest(format)} as too_large
       from (
         select t.${id}::text as id, octet_length(t.${ciphertext}) as bytes, t.${key} as key_number,
           row_number() over (order by t.${tenant}, t.${id}) as place
         from ${table} t where ${within(target, bounds)} order by t.${tenant}, t.${id} limit $1) s)
     select count(*) as records, coalesce(sum(bytes), 0) as bytes,
       coalesce(array_agg(distinct key_number) filter (where key_number is not null), '{}') as keys,
       coalesce(array_agg(id order by place) filter (where chosen and not too_large), '{}') as sampled,
       coalesce(array_agg(bytes order by place) filter (where chosen and not too_large), '{}') as sampled_bytes,
       count(*) filter (where chosen and too_large) as too_large,
       (select l.id from looked_at l order by l.place desc limit 1) as last
     from looked_at`,
    [order.itemsMax],
  );
  if (found === undefined) throw new Error('an aggregate has no row');
  const records = Number(found.records);
  return {
    records,
    bytes: Number(found.bytes),
    keyNumbers: found.keys,
    sampled: found.sampled.map((id, place) => ({ id, bytes: found.sampled_bytes[place] ?? 0 })),
    sampledTooLarge: Number(found.too_large),
    next: records < order.itemsMax ? null : found.last,
  };
}

const largest = (format: string): string => `(select rekey.sealed_bytes_max(${escapeLiteral(format)}))`;

/** Of the hash its 63 lower bits, against that share of them. */
function chosen(sample: SizesOrder['sample']): string {
  if (sample === null) return 'false';
  if (sample.share >= 1) return 'true';
  const below = BigInt(Math.floor(sample.share * 2 ** 53)) * 2n ** 10n;
  return `(hashtextextended(s.id, ${Math.trunc(sample.seed)}) & 9223372036854775807) < ${below}`;
}
