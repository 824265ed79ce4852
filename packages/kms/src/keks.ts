import type { Kek } from './kek.ts';
import { KmsError } from './kms-error.ts';
import type { TenantKekRules } from './tenant-keks.ts';

/** The KEKs of a process. Which one a DEK is unwrapped with is told by the DEK's row, never tried out. */
export interface Keks {
  /** What a new DEK of this tenant is wrapped under. */
  forTenant(tenantId: string): Promise<Kek>;

  /** @throws KmsError `NOT_HELD` for one that this process was not given; what opening it throws */
  of(kekId: string): Promise<Kek>;

  /** Those that are open, each once, those that wrap first. */
  readonly held: readonly Kek[];

  /** The names that the configuration gives to some of them, and whose id each stands for. */
  readonly named: ReadonlyMap<string, string>;

  /** What KEKs of tenants are made from; absent: this process opens none. They are not among `held`. */
  readonly tenantKeks?: TenantKekRules | undefined;

  /** Closes all of them. May be repeated. */
  close(): Promise<void>;
}

/**
 * One KEK that new DEKs are wrapped under, whatever the tenant, and others that only unwrap: those that stored DEKs were
 * wrapped under before, and those that other processes wrap under already.
 */
export function createKeks(wrapsNew: Kek, ...unwrapOnly: readonly Kek[]): Keks {
  const all = [wrapsNew, ...unwrapOnly];
  const byId = new Map(all.map((kek) => [kek.id, kek]));
  // The same KEK may have been given by two URIs.
  byId.set(wrapsNew.id, wrapsNew);
  return {
    forTenant: async () => wrapsNew,
    async of(kekId) {
      const kek = byId.get(kekId);
      if (kek === undefined) throw new KmsError('NOT_HELD', `this process has no KEK ${kekId}`, { kekId });
      return kek;
    },
    held: [...new Set([wrapsNew, ...byId.values()])],
    named: new Map(),
    async close() {
      await Promise.all(all.map((kek) => kek.close()));
    },
  };
}

/** The same KEKs, some of which have names. */
export function nameKeks(keks: Keks, names: ReadonlyMap<string, Kek>): Keks {
  return { ...keks, named: new Map([...names].map(([name, { id }]) => [name, id])) };
}

/** For who takes either: one KEK is what wraps and unwraps everything. */
export function asKeks(given: Kek | Keks): Keks {
  return 'forTenant' in given ? given : createKeks(given);
}
