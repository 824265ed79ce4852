import type { Dek, Keyring } from '@rekey/keyring';
import { KmsError } from '@rekey/kms';
import { PermanentTrouble } from './trouble.ts';

/** The rotation's new DEK from its committed row; null when there is none. One that is damaged is permanent trouble. */
export async function fetchNewDek(keyring: Keyring, tenantId: string, dekId: string): Promise<Dek | null> {
  try {
    return await keyring.byId(tenantId, dekId);
  } catch (error) {
    if (error instanceof KmsError && error.code === 'CORRUPT') throw new PermanentTrouble('NEW_KEY_UNUSABLE');
    throw error;
  }
}
