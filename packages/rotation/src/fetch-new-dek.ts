import type { Dek } from '@rekey/keyring';
import { KmsError } from '@rekey/kms';
import type { RotationEnvironment } from './environment.ts';
import { stepsOf } from './steps.ts';
import { PermanentTrouble } from './trouble.ts';

/** The rotation's new DEK from its committed row; null when there is none. One that is damaged is permanent trouble. */
export function fetchNewDek(env: RotationEnvironment, tenantId: string, dekId: string): Promise<Dek | null> {
  return unlessDamaged(() => fetchDek(env, tenantId, dekId));
}

/** A DEK from its committed row; null when there is none. */
export async function fetchDek(
  env: RotationEnvironment,
  tenantId: string,
  dekId: string,
): Promise<Dek | null> {
  const stored = await stepsOf(env).loadDek({ tenantId, dekId });
  return stored === null ? null : env.keyring.fromRow(tenantId, stored);
}

/** By whatever way the new DEK comes from its row. */
export async function unlessDamaged<Found>(find: () => Promise<Found>): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof KmsError && (error.code === 'CORRUPT' || error.code === 'MISMATCH'))
      throw new PermanentTrouble('NEW_KEY_UNUSABLE', { cause: error });
    throw error;
  }
}
