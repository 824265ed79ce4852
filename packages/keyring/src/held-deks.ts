import type { DekKey } from '@rekey/envelope';
import { dekAgeMs } from '@rekey/times';

/** A DEK that can be used. Its bytes came out of the committed row, never from whoever made them. */
export interface Dek {
  readonly id: string;
  readonly keyNumber: number;
  /** Of the material that is stored for it: after a failover or a restore there may be another under its number. */
  readonly materialId: string;
  readonly key: DekKey;
}

export interface Held {
  readonly tenantId: string;
  dek: Dek;
  /** The KEK that unwrapped it last. */
  kekId: string;
  /** When its row was last seen to stand. */
  seenAt: number;
  /** When its KEK last unwrapped it. */
  unwrappedAt: number;
  /** Whether it was asked for since. */
  used: boolean;
  /** The KEK will not unwrap it any more, by its last answer. */
  refused: boolean;
}

/** By the clock of `performance.now()`: when a row was read, and since when its bytes are known to be had of the KEK. */
interface Times {
  readonly seenAt: number;
  readonly unwrappedAt: number;
}

/** How long a DEK may be used after its row was last seen, and after its KEK last unwrapped it. */
export interface DekAges {
  readonly maxMs: number;
  /** After its KEK last unwrapped it, while that KEK's KMS is away. */
  readonly maxMsWhileAway: number;
}

/** Null for such as do not fit; a day is the most. */
export function dekAgesOf({
  dekAgeMaxMs: maxMs = dekAgeMs.max,
  dekAgeMaxMsWhileAway: maxMsWhileAway = Math.max(dekAgeMs.maxWhileAway, maxMs),
}: {
  readonly dekAgeMaxMs?: number;
  readonly dekAgeMaxMsWhileAway?: number;
}): DekAges | null {
  return maxMs > 0 && maxMs <= maxMsWhileAway && maxMsWhileAway <= 86_400_000
    ? { maxMs, maxMsWhileAway }
    : null;
}

/**
 * The unwrapped DEKs of a process, bounded in number and in time. One that is dropped is referred to no more: OpenSSL
 * wipes its bytes when the KeyObject is collected.
 */
export interface HeldDeks {
  readonly size: number;
  /** Counts as a use. Undefined for one that is too old, which is dropped. */
  find(tenantId: string, keyNumber: number): Dek | undefined;
  /** In the place of what the tenant has under that number. */
  keep(tenantId: string, dek: Dek, kekId: string, times: Times): void;
  drop(held: Held): void;
  /** Whether it is still held, and not another one in its place. */
  holds(held: Held): boolean;
  has(tenantId: string): boolean;
  ofTenant(tenantId: string): Held[];
  /** Drops those that are too old; the others, the one first that was not used for longest. */
  all(): Held[];
}

export function createHeldDeks({
  max,
  ages,
  isAway,
}: {
  readonly max: number;
  readonly ages: DekAges;
  readonly isAway: (kekId: string) => boolean;
}): HeldDeks {
  const held = new Map<string, Held>(); // in the order of last use
  const numbers = new Map<string, Set<number>>(); // by tenant

  const place = (tenantId: string, keyNumber: number): string => `${tenantId}/${keyNumber}`;
  const isTooOld = ({ seenAt, unwrappedAt, kekId, refused }: Held): boolean => {
    const now = performance.now();
    if (now - seenAt > ages.maxMs) return true;
    const age = now - unwrappedAt;
    if (age <= ages.maxMs) return false;
    return refused || age > ages.maxMsWhileAway || !isAway(kekId);
  };

  const drop = ({ tenantId, dek }: Held): void => {
    const at = place(tenantId, dek.keyNumber);
    if (held.get(at)?.dek !== dek) return; // another one has its place by now
    held.delete(at);
    const left = numbers.get(tenantId);
    left?.delete(dek.keyNumber);
    if (left?.size === 0) numbers.delete(tenantId);
  };

  return {
    get size() {
      return held.size;
    },
    find(tenantId, keyNumber) {
      const at = place(tenantId, keyNumber);
      const found = held.get(at);
      if (found === undefined) return undefined;
      if (isTooOld(found)) {
        drop(found);
        return undefined;
      }
      found.used = true;
      held.delete(at);
      held.set(at, found);
      return found.dek;
    },
    keep(tenantId, dek, kekId, times) {
      const at = place(tenantId, dek.keyNumber);
      held.delete(at);
      held.set(at, { tenantId, dek, kekId, ...times, used: true, refused: false });
      const known = numbers.get(tenantId);
      if (known === undefined) numbers.set(tenantId, new Set([dek.keyNumber]));
      else known.add(dek.keyNumber);
      const [first] = held.values();
      if (held.size > max && first !== undefined) drop(first);
    },
    drop,
    holds: (one) => held.get(place(one.tenantId, one.dek.keyNumber)) === one,
    has: (tenantId) => numbers.has(tenantId),
    ofTenant: (tenantId) =>
      [...(numbers.get(tenantId) ?? [])].flatMap((keyNumber) => held.get(place(tenantId, keyNumber)) ?? []),
    all() {
      const all = [...held.values()];
      for (const one of all) if (isTooOld(one)) drop(one);
      return all.filter((one) => !isTooOld(one));
    },
  };
}
