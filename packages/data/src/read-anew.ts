import { type Queryable, rows } from '@rekey/db';
import type { SealedRecord } from './packed-records.ts';
import { encodeArray } from './pg-binary.ts';
import type { Target } from './targets.ts';

/** Those of the records with these ids that are still under an older DEK, as they stand now. */
export async function readAnew(
  on: Queryable,
  target: Target,
  wanted: { readonly tenantId: string; readonly newKeyNumber: number; readonly identityBytes: number },
  ids: readonly Buffer[],
): Promise<SealedRecord[]> {
  const { table, id, idType, tenant, key, ciphertext } = target;
  const found = await rows<{ n: string; ciphertext: Buffer }>(
    on,
    `select w.n, case when octet_length(t.${ciphertext}) > rekey.sealed_bytes_max($4)
       then substring(t.${ciphertext} from 1 for $5::int) else t.${ciphertext} end as ciphertext
     from unnest($1::${idType}[]) with ordinality as w(id, n) join ${table} t on t.${id} = w.id
     where (t.${tenant} = $2) is true and t.${key} <> $3`,
    [encodeArray(idType, ids), wanted.tenantId, wanted.newKeyNumber, target.format, wanted.identityBytes],
  );
  return found.flatMap(({ n, ciphertext: bytes }) => {
    const image = ids[Number(n) - 1];
    return image === undefined ? [] : [{ id: image, ciphertext: bytes }];
  });
}
