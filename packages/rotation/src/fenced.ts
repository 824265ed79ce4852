import { loadDeks, loadRunning, type RunningRotation } from '@rekey/control';
import type { RotationEnvironment } from './environment.ts';
import { PermanentTrouble } from './trouble.ts';

/**
 * The fence refused what a batch wrote. True: the new DEK is active, so it was not our write that was refused but what a
 * trigger of the application made of it. False: the rotation is over. One that runs under a DEK that is out of use
 * already can never end, and is told so.
 */
export async function isOnlyFencedByATrigger(
  { store }: Pick<RotationEnvironment, 'store'>,
  { id, tenantId, newDekId }: RunningRotation,
): Promise<boolean> {
  const [active] = await loadDeks(store, tenantId, { dekIds: [newDekId], state: 'active' });
  if (active !== undefined) return true;
  if ((await loadRunning(store, id))?.switched === true)
    throw new PermanentTrouble('NEW_KEY_UNUSABLE', { isCertain: true });
  return false;
}
