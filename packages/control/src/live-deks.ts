import { prepared, type Queryable } from '@rekey/db';

/** Of these DEKs, those that are not destroyed, each with the identity of the material that is stored for it. */
export async function findLiveDeks(
  on: Queryable,
  dekIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await prepared<{ id: string; material_id: string }>(
    on,
    `select d.id, i.material_id from rekey.deks d join rekey.dek_identities i on i.dek_id = d.id
     where d.id = any ($1::uuid[]) and d.state <> 'destroyed'`,
    [dekIds],
  );
  return new Map(found.map(({ id, material_id }) => [id, material_id]));
}
