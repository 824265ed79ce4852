import { prepared, type Queryable } from '@rekey/db';

/** Of these DEKs, those that are not destroyed, each with the identity of the material that is stored for it. */
export async function findLiveDeks(
  on: Queryable,
  dekIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await prepared<{ id: string; material_id: string }>(
    on,
    'select id, material_id from rekey.live_deks($1)',
    [dekIds],
  );
  return new Map(found.map(({ id, material_id }) => [id, material_id]));
}
