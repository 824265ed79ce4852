import { findKeksInUse, type KekInUse, sampleDeks } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { KmsError } from '@rekey/kms';
import { type UnwrappingKeks, unwrapStored } from './unwrap-stored.ts';

/**
 * Whether this process belongs to the installation: one of its KEKs unwraps one of a few DEKs that are stored. With
 * others it could open nothing, and what it makes nobody else could open. One that is stored under none yet is right if
 * another one is: it is about to replace that.
 *
 * @param exceptDekId a DEK that is about to be made, and by which nothing can be told
 * @returns `nothing_stored` where there is no DEK yet to tell it by
 * @throws KmsError `NOT_HELD` when it unwraps none of them, or where another key lies at the URI of one that DEKs are
 *   stored under; `UNAVAILABLE` when that cannot be told now. StoreError
 */
export async function proveKeks(
  store: Queryable,
  keks: UnwrappingKeks,
  exceptDekId: string | null = null,
): Promise<'proved' | 'nothing_stored'> {
  const inUse = await findKeksInUse(store, exceptDekId);
  if (inUse.length === 0) return 'nothing_stored';
  needRightKeys(keks, inUse);
  const kekIds = keks.held.map(({ id }) => id);
  // One that is away would be waited for as often as it has DEKs here.
  const away = new Map<string, KmsError>();
  for (const stored of await sampleDeks(store, { kekIds, exceptDekId })) {
    if (away.has(stored.kekId)) continue;
    try {
      (await unwrapStored(keks, stored.tenantId, stored)).fill(0);
      return 'proved';
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      if (error.code === 'UNAVAILABLE') away.set(stored.kekId, error);
    }
  }
  const [unavailable] = away.values();
  throw (
    unavailable ??
    new KmsError(
      'NOT_HELD',
      `another KEK than those that the stored DEKs are wrapped under: ${said(kekIds)}, not ${said(inUse.map(({ kekId }) => kekId))}`,
    )
  );
}

/** Where DEKs were wrapped under the key of a URI, another key at that URI is a mistake, unless its DEKs are known too. */
function needRightKeys({ held }: UnwrappingKeks, inUse: readonly KekInUse[]): void {
  const isHeld = new Set(held.map(({ id }) => id));
  const isInUse = new Set(inUse.map(({ kekId }) => kekId));
  for (const { id, uri } of held) {
    const there = inUse.filter(({ kekUri }) => kekUri === uri).map(({ kekId }) => kekId);
    if (there.length === 0 || isInUse.has(id) || there.some((kekId) => isHeld.has(kekId))) continue;
    throw new KmsError(
      'NOT_HELD',
      `${uri} holds another KEK than the one that DEKs were wrapped under there: ${id}, not ${said(there)}`,
      { kekId: id },
    );
  }
}

const saidMax = 3;

/** As many as fit into a line. */
function said(kekIds: readonly string[]): string {
  const some = [...new Set(kekIds)];
  const more = some.length - saidMax;
  return some.slice(0, saidMax).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
