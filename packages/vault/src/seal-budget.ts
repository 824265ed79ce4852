import { reserveSeals } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { VaultError } from './vault-error.ts';

/** NIST SP 800-38D, section 8.3: at most 2^32 seals under one key with random 96-bit IVs. */
const sealsMax = 2 ** 32;

/** Seals taken at once: a row in Postgres for so many writes. What a process does not use is counted all the same. */
const blockSeals = 4_096;

/** The seals that this process may still make, DEK by DEK. */
export interface SealBudget {
  /** Takes `seals` of those reserved; false when there are not enough. No I/O: it is called behind the gate. */
  take(dekId: string, seals: number): boolean;
  /** Reserves at least `seals` more. Throws `SEAL_LIMIT` once the DEK has sealed as often as it may. */
  reserve(on: Queryable, dekId: string, seals: number): Promise<void>;
}

export function createSealBudget(): SealBudget {
  const left = new Map<string, number>();
  return {
    take(dekId, seals) {
      const reserved = left.get(dekId) ?? 0;
      if (reserved < seals) return false;
      left.set(dekId, reserved - seals);
      return true;
    },
    async reserve(on, dekId, seals) {
      const block = Math.max(blockSeals, seals);
      const total = await reserveSeals(on, dekId, block);
      if (total > sealsMax)
        throw new VaultError('SEAL_LIMIT', 'The active DEK has sealed as often as it may: rotate it');
      left.set(dekId, (left.get(dekId) ?? 0) + block);
    },
  };
}
