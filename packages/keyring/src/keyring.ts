import { loadDeks, type WrappedDek } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { type DekKey, dekWrapAad, importDek } from '@rekey/envelope';
import type { Kek } from '@rekey/kms';
import { proveKek } from './prove-kek.ts';

/** A DEK that can be used. Its bytes came out of the committed row, never from whoever made them. */
export interface Dek {
  readonly id: string;
  readonly keyNumber: number;
  readonly key: DekKey;
}

/** Where wrapped DEKs come from and who unwraps them. */
export interface UnwrapSource {
  readonly store: Queryable;
  readonly kek: Pick<Kek, 'uri' | 'unwrap'>;
  /** DEKs held at most; the one that was not used for longest goes first. */
  readonly deksMax?: number;
}

/** The DEKs of this process: each is unwrapped once, however many ask for it at the same time. */
export interface Keyring {
  /** Null: the tenant has no such DEK, or none with material. Throws `KmsError` or `StoreError`. */
  byNumber(tenantId: string, keyNumber: number): Promise<Dek | null>;
  byId(tenantId: string, dekId: string): Promise<Dek | null>;
  /** The DEK of a committed row that was just read. */
  fromRow(tenantId: string, stored: WrappedDek): Promise<Dek>;
  /** The DEK if it is at hand already, without any I/O. */
  atHand(tenantId: string, keyNumber: number): Dek | undefined;
  /** Fetches the DEKs that are about to become active, so that they are at hand when they do. */
  fetchAhead(tenantId: string): Promise<void>;
  /** Before this process makes the first DEK of a tenant: see {@link proveKek}. Asks until it is proved, then no more. */
  needRightKek(newDekId: string): Promise<void>;
  /** Whether any DEK of the tenant is at hand. */
  knows(tenantId: string): boolean;
}

const deksMaxByDefault = 10_000;

export function createKeyring({ store, kek, deksMax = deksMaxByDefault }: UnwrapSource): Keyring {
  // In the order of last use. A promise is kept while it is under way, so that everybody waits for the same one.
  const held = new Map<string, Dek>();
  const underWay = new Map<string, Promise<Dek>>();
  const tenants = new Map<string, number>();
  const cameFrom = new WeakMap<Dek, Buffer>();

  let kekProved = false;

  const place = (tenantId: string, keyNumber: number): string => `${tenantId}/${keyNumber}`;

  const atHand = (tenantId: string, keyNumber: number): Dek | undefined => {
    const at = place(tenantId, keyNumber);
    const dek = held.get(at);
    if (dek !== undefined) {
      held.delete(at);
      held.set(at, dek);
    }
    return dek;
  };

  const keep = (tenantId: string, dek: Dek): void => {
    const at = place(tenantId, dek.keyNumber);
    const replaces = held.delete(at);
    held.set(at, dek);
    if (replaces) return;
    tenants.set(tenantId, (tenants.get(tenantId) ?? 0) + 1);
    if (held.size <= deksMax) return;
    const [oldest] = held.keys();
    if (oldest === undefined) return;
    held.delete(oldest);
    const tenant = oldest.slice(0, oldest.indexOf('/'));
    const left = (tenants.get(tenant) ?? 1) - 1;
    if (left === 0) tenants.delete(tenant);
    else tenants.set(tenant, left);
  };

  const unwrapOnce = (tenantId: string, stored: WrappedDek): Promise<Dek> => {
    const ready = atHand(tenantId, stored.keyNumber);
    // Only if it came out of these very bytes: after a failover or a restore the row may hold others, and it counts.
    if (ready !== undefined && cameFrom.get(ready)?.equals(stored.wrapped)) return Promise.resolve(ready);
    const at = `${place(tenantId, stored.keyNumber)}/${stored.wrapped.toString('base64')}`;
    const pending = underWay.get(at);
    if (pending !== undefined) return pending;
    const unwrapping = (async () => {
      const bytes = await kek.unwrap(stored.wrapped, dekWrapAad(tenantId, stored.id));
      const dek = { id: stored.id, keyNumber: stored.keyNumber, key: importDek(bytes) };
      cameFrom.set(dek, stored.wrapped);
      keep(tenantId, dek);
      return dek;
    })().finally(() => underWay.delete(at));
    underWay.set(at, unwrapping);
    return unwrapping;
  };

  const firstOf = async (
    tenantId: string,
    filter: { readonly keyNumber?: number; readonly dekIds?: readonly string[] },
  ): Promise<Dek | null> => {
    const [stored] = await loadDeks(store, tenantId, filter);
    return stored === undefined ? null : unwrapOnce(tenantId, stored);
  };

  return {
    byNumber: async (tenantId, keyNumber) => atHand(tenantId, keyNumber) ?? firstOf(tenantId, { keyNumber }),
    byId: (tenantId, dekId) => firstOf(tenantId, { dekIds: [dekId] }),
    fromRow: unwrapOnce,
    atHand,
    async needRightKek(newDekId) {
      if (!kekProved) kekProved = (await proveKek(store, kek, newDekId)) === 'proved';
    },
    knows: (tenantId) => tenants.has(tenantId),
    async fetchAhead(tenantId) {
      for (const stored of await loadDeks(store, tenantId, { state: 'pre_active' })) {
        await unwrapOnce(tenantId, stored);
      }
    },
  };
}
