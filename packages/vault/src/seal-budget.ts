import { reserveSeals } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

/** NIST SP 800-38D, section 8.3: at most 2^32 seals under one key with random 96-bit IVs. */
const sealsMax = 2 ** 32;

/** Seals taken at once: a row in Postgres for so many writes. What a process does not use is counted all the same. */
const blockSeals = 4_096;

/** More are not given at once; whoever needs more takes several blocks. */
const blockSealsMax = 2 ** 20;

/** With fewer left, the next block is reserved ahead, so that no put waits for it. */
const lowSeals = blockSeals / 4;

/** DEKs whose seals are kept count of at most. What is left of one that is forgotten stays unused. */
const deksMax = 10_000;

/** A DEK with one material: what was sealed under other bytes of its number is not counted here. */
export interface Sealing {
  readonly tenantId: string;
  readonly dekId: string;
  readonly materialId: string;
}

/** The seals that this process may still make, DEK by DEK. */
export interface SealBudget {
  /** Takes `seals` of those reserved; false when there are not enough. No I/O: it is called while the DEK is held. */
  take(dek: Sealing, seals: number): boolean;
  /** Takes as many, reserving what is missing. Throws `SEAL_LIMIT` once the DEK has sealed as often as it may. */
  draw(dek: Sealing, seals: number): Promise<void>;
  /** Makes sure that there are some. */
  prepare(dek: Sealing): Promise<void>;
  /** Whether this process has sealed for the tenant lately. */
  sealsFor(tenantId: string): boolean;
}

interface Reserved {
  left: number;
  /** Whoever needs more waits for it; there is one at a time. */
  underWay: Promise<void> | undefined;
}

export function createSealBudget(on: Queryable): SealBudget {
  const budgets = new Map<string, Reserved>(); // in the order of last use
  const tenants = new Set<string>(); // likewise

  const of = ({ materialId }: Sealing): Reserved => {
    const budget = budgets.get(materialId) ?? { left: 0, underWay: undefined };
    budgets.delete(materialId);
    budgets.set(materialId, budget);
    const [oldest] = budgets.keys();
    if (budgets.size > deksMax && oldest !== undefined) budgets.delete(oldest);
    return budget;
  };

  const reserve = (budget: Reserved, { dekId }: Sealing, seals: number): Promise<void> => {
    budget.underWay ??= (async () => {
      const block = Math.min(Math.max(blockSeals, seals), blockSealsMax);
      const total = await asVault(() => reserveSeals(on, dekId, block));
      if (total > sealsMax)
        throw new VaultError('SEAL_LIMIT', 'The active DEK has sealed as often as it may: rotate it');
      budget.left += block;
    })().finally(() => {
      budget.underWay = undefined;
    });
    return budget.underWay;
  };

  const take = (dek: Sealing, seals: number): boolean => {
    const budget = of(dek);
    if (budget.left < seals) return false;
    budget.left -= seals;
    tenants.delete(dek.tenantId);
    tenants.add(dek.tenantId);
    const [oldest] = tenants;
    if (tenants.size > deksMax && oldest !== undefined) tenants.delete(oldest);
    // Whoever is then without any hears of what went wrong.
    if (budget.left < lowSeals) reserve(budget, dek, blockSeals).catch(() => {});
    return true;
  };

  return {
    take,
    async draw(dek, seals) {
      while (!take(dek, seals)) await reserve(of(dek), dek, seals);
    },
    async prepare(dek) {
      const budget = of(dek);
      if (budget.left < lowSeals) await reserve(budget, dek, blockSeals);
    },
    sealsFor: (tenantId) => tenants.has(tenantId),
  };
}
