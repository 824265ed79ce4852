import { loadDeks } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { importDek } from '@rekey/envelope';
import { KmsError } from '@rekey/kms';
import type { Held, HeldDeks } from './held-deks.ts';
import type { KekNews } from './kek-news.ts';
import { type UnwrappingKeks, unwrapStored } from './unwrap-stored.ts';

/** Calls of one KEK under way: of ten thousand DEKs all are asked for in half their age, by a KMS that takes 100 ms. */
const atOnce = 16;

interface Parts {
  readonly store: Queryable;
  readonly keks: UnwrappingKeks;
  readonly held: HeldDeks;
  readonly news: KekNews;
}

/**
 * Has KEKs unwrap DEKs again that are at hand, so that a KEK which refuses ends them and one that is away does not. While
 * a KMS is away one DEK asks for all of its KEK's; once it answers, all are asked for before those are taken for
 * too old that only its being away has kept.
 */
export function createRenewal({ store, keks, held, news }: Parts) {
  /** What its KEK says of it. Anything but a KEK's answer is thrown. */
  const one = async (renewed: Held): Promise<'renewed' | 'refused' | 'away'> => {
    const { tenantId, dek } = renewed;
    const seenAt = performance.now();
    const [stored] = await loadDeks(store, tenantId, { keyNumber: dek.keyNumber });
    if (stored === undefined || stored.materialId !== dek.materialId) {
      held.drop(renewed);
      return 'renewed';
    }
    const unwrappedAt = performance.now();
    renewed.used = false; // whoever asks for it from here on uses what comes of this
    try {
      const bytes = await news.of(stored.kekId, () => unwrapStored(keks, tenantId, stored));
      const key = importDek(bytes);
      // Ciphers under way go by the key that they have.
      if (!key.equals(dek.key)) renewed.dek = { ...dek, key };
      Object.assign(renewed, { kekId: stored.kekId, seenAt, unwrappedAt, refused: false });
      return 'renewed';
    } catch (error) {
      renewed.used = true;
      if (!(error instanceof KmsError)) throw error;
      renewed.kekId = stored.kekId;
      if (error.code === 'UNAVAILABLE') return 'away';
      renewed.refused = true;
      return 'refused';
    }
  };

  const under = async (kekId: string, due: readonly Held[]): Promise<void> => {
    const [first, ...others] = due;
    if (first === undefined) return;
    if (news.isAway(kekId)) {
      if ((await one(first)) === 'away') return;
    } else others.push(first);
    for (let from = 0; from < others.length; from += atOnce) {
      const part = others.slice(from, from + atOnce).filter((other) => other.used && held.holds(other));
      if ((await Promise.all(part.map(one))).includes('away')) return;
    }
    news.isBack(kekId);
  };

  return {
    async unwrap(due: readonly Held[]): Promise<void> {
      news.retain(new Set(held.all().map(({ kekId }) => kekId)));
      const byKek = Map.groupBy(due, ({ kekId }) => kekId);
      await Promise.allSettled([...byKek].map(([kekId, deks]) => under(kekId, deks)));
    },
  };
}
