import { AsyncLocalStorage } from 'node:async_hooks';
import type { Kek, Keks } from '@rekey/kms';

/** Counts the calls of KMSs that this process makes for each rotation. */
export interface KmsCalls {
  /** The same KEKs, whose calls count. */
  readonly keks: Keks;
  /** Calls that are made meanwhile are this rotation's. What several wait for is whose it was first. */
  during<Result>(rotationId: string, work: () => Promise<Result>): Promise<Result>;
  /** Those that nobody was told of yet, which now somebody is. */
  take(): ReadonlyMap<string, number>;
  /** Back again: nobody was told. */
  giveBack(calls: ReadonlyMap<string, number>): void;
}

export function countKmsCalls(keks: Keks): KmsCalls {
  const at = new AsyncLocalStorage<string>();
  let untold = new Map<string, number>();
  const add = (rotationId: string, calls: number): void => {
    untold.set(rotationId, (untold.get(rotationId) ?? 0) + calls);
  };
  const counted = new WeakMap<Kek, Kek>();
  const countedKek = (kek: Kek): Kek => {
    const known = counted.get(kek);
    if (known !== undefined) return known;
    const count = (): void => {
      const rotationId = at.getStore();
      if (rotationId !== undefined) add(rotationId, 1);
    };
    const one: Kek = {
      id: kek.id,
      uri: kek.uri,
      wrap(dek, aad) {
        count();
        return kek.wrap(dek, aad);
      },
      unwrap(wrapped, aad) {
        count();
        return kek.unwrap(wrapped, aad);
      },
      close: () => kek.close(),
    };
    counted.set(kek, one);
    return one;
  };
  return {
    keks: {
      forTenant: async (tenantId) => countedKek(await keks.forTenant(tenantId)),
      of: async (kekId) => countedKek(await keks.of(kekId)),
      held: keks.held,
      named: keks.named,
      tenantKeks: keks.tenantKeks,
      close: () => keks.close(),
    },
    during: (rotationId, work) => at.run(rotationId, work),
    take() {
      const taken = untold;
      untold = new Map();
      return taken;
    },
    giveBack(calls) {
      for (const [rotationId, count] of calls) add(rotationId, count);
    },
  };
}
