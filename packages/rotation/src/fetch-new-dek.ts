import type { Dek, Keyring } from '@rekey/keyring';
import { KmsError } from '@rekey/kms';
import { PermanentTrouble } from './trouble.ts';

/** The rotation's new DEK from its committed row; null when there is none. One that is damaged is permanent trouble. */
export function fetchNewDek(keyring: Keyring, tenantId: string, dekId: string): Promise<Dek | null> {
  return unlessDamaged(() => keyring.byId(tenantId, dekId));
}

/** By whatever way the new DEK comes from its row. */
export async function unlessDamaged<Found>(find: () => Promise<Found>): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof KmsError && error.code === 'CORRUPT') throw new PermanentTrouble('NEW_KEY_UNUSABLE');
    throw error;
  }
}
