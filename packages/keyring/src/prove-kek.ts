import { sampleDeks } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { dekWrapAad } from '@rekey/envelope';
import { type Kek, KmsError } from '@rekey/kms';

/**
 * Whether this is the KEK that the installation's DEKs are wrapped under: it unwraps one of a few that are stored.
 * With another one a process could open nothing, and what it makes nobody else could open.
 *
 * @param exceptDekId a DEK that is about to be made, and by which nothing can be told
 * @returns `nothing_stored` where there is no DEK yet to tell it by
 * @throws KmsError `NOT_FOUND` when it unwraps none of them; `UNAVAILABLE` when that cannot be told now. StoreError
 */
export async function proveKek(
  store: Queryable,
  kek: Pick<Kek, 'uri' | 'unwrap'>,
  exceptDekId: string | null = null,
): Promise<'proved' | 'nothing_stored'> {
  // A path says where a key file lies on one machine, and not which key is in it.
  const orBeginsWith = kek.uri.startsWith('local:') ? 'local:' : kek.uri;
  const stored = await sampleDeks(store, { kekUri: kek.uri, orBeginsWith, exceptDekId });
  if (stored.length === 0) return 'nothing_stored';
  let unavailable: KmsError | undefined;
  for (const { tenantId, id, wrapped } of stored) {
    try {
      (await kek.unwrap(wrapped, dekWrapAad(tenantId, id))).fill(0);
      return 'proved';
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      if (error.code === 'UNAVAILABLE') unavailable = error;
    }
  }
  throw (
    unavailable ??
    new KmsError('NOT_FOUND', 'another KEK than the one that the stored DEKs are wrapped under')
  );
}
