import { findLiveDeks, loadDeks, type WrappedDek } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { importDek } from '@rekey/envelope';
import { createHeldDeks, type Dek, dekAgesOf, type Held } from './held-deks.ts';
import { createKekNews } from './kek-news.ts';
import { proveKeks } from './prove-keks.ts';
import { createRefusals } from './refusals.ts';
import { createRenewal } from './renewal.ts';
import { type UnwrappingKeks, unwrapStored } from './unwrap-stored.ts';
import type { Usage } from './usage.ts';

/** Where wrapped DEKs come from and who unwraps them. */
export interface UnwrapSource {
  readonly store: Queryable;
  readonly keks: UnwrappingKeks;
  /** DEKs held at most; the one that was not used for longest goes first. */
  readonly deksMax?: number;
  /** Is told of every DEK that is asked for. */
  readonly usage?: Pick<Usage, 'note'>;
  /**
   * How long a DEK is used after its row was last seen to stand, and after its KEK last unwrapped it. One in use is looked
   * up and unwrapped again in good time.
   */
  readonly dekAgeMaxMs?: number;
  /** The same, of the KEK, while its KMS is away: not while it refuses. */
  readonly dekAgeMaxMsWhileAway?: number;
}

/** The DEKs of this process: each is unwrapped once, however many ask for it at the same time. */
export interface Keyring {
  /** Null: the tenant has no such DEK, or none with material. Throws `KmsError` or `StoreError`. */
  byNumber(tenantId: string, keyNumber: number): Promise<Dek | null>;
  byId(tenantId: string, dekId: string): Promise<Dek | null>;
  /** The DEK of a committed row that was just read. */
  fromRow(tenantId: string, stored: WrappedDek): Promise<Dek>;
  /**
   * The DEK after a look at its row, whatever is at hand: the same object unless other bytes are stored under that
   * number, as after a failover or a restore. For whoever cannot open a record, before it says so.
   */
  refresh(tenantId: string, keyNumber: number): Promise<Dek | null>;
  /** The DEK if it is at hand already, without any I/O. With other material than the one asked for it is not. */
  atHand(tenantId: string, keyNumber: number, materialId?: string): Dek | undefined;
  /** Fetches the DEKs that are about to become active, so that they are at hand when they do; drops those that are gone. */
  fetchAhead(tenantId: string): Promise<Dek[]>;
  /** Before this process makes the first DEK of a tenant: see {@link proveKeks}. Asks until it is proved, then no more. */
  needRightKek(newDekId: string): Promise<void>;
  /** Whether any DEK of the tenant is at hand. */
  knows(tenantId: string): boolean;
  /** Looks at the rows of all DEKs at hand: for whoever may have missed that one was destroyed. */
  lookAgain(): Promise<void>;
  /** Drops all DEKs and holds none any more. */
  close(): void;
}

const deksMaxByDefault = 10_000;

/** Rows that are looked at by one statement. */
const lookedAtOnce = 1_000;

export function createKeyring(source: UnwrapSource): Keyring {
  const { store, keks, usage, deksMax = deksMaxByDefault } = source;
  const ages = dekAgesOf(source);
  if (ages === null) throw new RangeError('DEKs cannot be held for such times');
  const { maxMs } = ages;
  const news = createKekNews();
  const refusals = createRefusals();
  const held = createHeldDeks({ max: deksMax, ages, isAway: news.isAway });
  // A promise is kept while it is under way, so that everybody waits for the same one.
  const unwrapping = new Map<string, Promise<Dek>>();
  const refreshing = new Map<string, Promise<Dek | null>>();
  let timer: NodeJS.Timeout | undefined;
  let kekProved = false;
  let renewing = false;
  let closed = false;

  const atHand: Keyring['atHand'] = (tenantId, keyNumber, materialId) => {
    const dek = held.find(tenantId, keyNumber);
    if (dek === undefined || (materialId !== undefined && dek.materialId !== materialId)) return undefined;
    usage?.note(dek.id);
    return dek;
  };

  const keep: typeof held.keep = (...given) => {
    if (closed) return;
    held.keep(...given);
    timer ??= setTimeout(renew, maxMs / 10).unref();
  };

  const unwrap = async (tenantId: string, stored: WrappedDek, seenAt: number): Promise<Dek> => {
    // Before: a DEK whose bytes were asked for counts as used, whatever becomes of this.
    usage?.note(stored.id);
    const unwrappedAt = performance.now();
    const { id, keyNumber, materialId, kekId } = stored;
    const bytes = await refusals.of(`${materialId} ${kekId}`, () =>
      news.of(kekId, () => unwrapStored(keks, tenantId, stored)),
    );
    const dek = { id, keyNumber, materialId, key: importDek(bytes) };
    keep(tenantId, dek, kekId, { seenAt, unwrappedAt });
    return dek;
  };

  const unwrapOnce = (tenantId: string, stored: WrappedDek): Promise<Dek> => {
    const seenAt = performance.now();
    const ready = atHand(tenantId, stored.keyNumber, stored.materialId);
    if (ready !== undefined) {
      for (const one of held.ofTenant(tenantId)) if (one.dek === ready) one.seenAt = seenAt;
      return Promise.resolve(ready);
    }
    const pending = unwrapping.get(stored.materialId);
    if (pending !== undefined) return pending;
    const work = unwrap(tenantId, stored, seenAt).finally(() => unwrapping.delete(stored.materialId));
    unwrapping.set(stored.materialId, work);
    return work;
  };

  const firstOf = async (
    tenantId: string,
    filter: { readonly keyNumber?: number; readonly dekIds?: readonly string[] },
  ): Promise<Dek | null> => {
    const [stored] = await loadDeks(store, tenantId, filter);
    return stored === undefined ? null : unwrapOnce(tenantId, stored);
  };

  const refresh = (tenantId: string, keyNumber: number): Promise<Dek | null> => {
    const at = `${tenantId}/${keyNumber}`;
    const pending = refreshing.get(at);
    if (pending !== undefined) return pending;
    const work = (async () => {
      const before = held.ofTenant(tenantId).filter(({ dek }) => dek.keyNumber === keyNumber);
      const dek = await firstOf(tenantId, { keyNumber });
      for (const one of before) if (one.dek !== dek) held.drop(one);
      return dek;
    })().finally(() => refreshing.delete(at));
    refreshing.set(at, work);
    return work;
  };

  /** Drops each that is gone or has other material; the others count as just seen. */
  const lookAt = async (some: readonly Held[]): Promise<void> => {
    for (let from = 0; from < some.length; from += lookedAtOnce) {
      const part = some.slice(from, from + lookedAtOnce);
      const seenAt = performance.now();
      const live = await findLiveDeks(
        store,
        part.map(({ dek }) => dek.id),
      );
      for (const one of part) {
        if (live.get(one.dek.id) !== one.dek.materialId) held.drop(one);
        else one.seenAt = seenAt;
      }
    }
  };

  const renewal = createRenewal({ store, keks, held, news });

  /** In good time: those in use, so that nobody waits for them. The others grow too old. */
  const renew = (): void => {
    const now = performance.now();
    const used = held.all().filter((one) => one.used || news.isAway(one.kekId));
    const isDue = (at: number): boolean => now - at > maxMs / 2;
    const toLookAt = used.filter(({ seenAt }) => isDue(seenAt));
    const toUnwrap = used.filter(({ unwrappedAt }) => isDue(unwrappedAt));
    timer = held.size === 0 ? undefined : setTimeout(renew, maxMs / 10).unref();
    if (renewing) return;
    renewing = true;
    void lookAt(toLookAt)
      .then(() => renewal.unwrap(toUnwrap))
      .catch(() => {}) // the next turn comes before they are too old
      .finally(() => {
        renewing = false;
      });
  };

  return {
    byNumber: async (tenantId, keyNumber) => atHand(tenantId, keyNumber) ?? firstOf(tenantId, { keyNumber }),
    byId: (tenantId, dekId) => firstOf(tenantId, { dekIds: [dekId] }),
    fromRow: unwrapOnce,
    refresh,
    atHand,
    async needRightKek(newDekId) {
      if (!kekProved) kekProved = (await proveKeks(store, keks, newDekId)) === 'proved';
    },
    knows: held.has,
    async fetchAhead(tenantId) {
      const before = held.ofTenant(tenantId);
      const seenAt = performance.now();
      const stored = await loadDeks(store, tenantId);
      for (const one of before) {
        if (stored.some(({ materialId }) => materialId === one.dek.materialId)) one.seenAt = seenAt;
        else held.drop(one);
      }
      const ahead: Dek[] = [];
      for (const one of stored) if (one.state === 'pre_active') ahead.push(await unwrapOnce(tenantId, one));
      return ahead;
    },
    lookAgain: () => lookAt(held.all()),
    close() {
      closed = true;
      clearTimeout(timer);
      timer = undefined;
      for (const one of held.all()) held.drop(one);
    },
  };
}
