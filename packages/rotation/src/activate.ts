import { setTimeout as sleep } from 'node:timers/promises';
import {
  beat,
  loadDeks,
  loadRunning,
  type RunningRotation,
  storeMaterial,
  switchDek,
  type TakenUp,
} from '@rekey/control';
import { StoreError } from '@rekey/db';
import { makeDek, tryDek } from '@rekey/keyring';
import type { RotationEnvironment } from './environment.ts';
import { unlessDamaged } from './fetch-new-dek.ts';
import { PermanentTrouble } from './trouble.ts';

/**
 * Makes the new DEK the tenant's active one: made, wrapped, stored, read back, unwrapped and tried before the switch,
 * never sealed with from the bytes that were generated. May be called again at any point, by several workers at once:
 * one of them stores the material, one of them switches. False: the rotation is not running any more.
 */
export async function activate(
  env: RotationEnvironment,
  rotation: TakenUp,
  signal: AbortSignal,
): Promise<boolean> {
  if (rotation.switched) return true;
  if (!rotation.materialStored && !(await provideMaterial(env, rotation))) return false;
  await checkDeks(env, rotation);
  return raiseFence(env, rotation, signal);
}

/** False: the rotation ended meanwhile, and its DEK with it. */
async function provideMaterial(
  { store, kek }: RotationEnvironment,
  { id, tenantId, newDekId }: RunningRotation,
): Promise<boolean> {
  const made = await makeDek(kek, tenantId, newDekId);
  try {
    await storeMaterial(store, made);
    return true;
  } catch (error) {
    // The DEK is not pre_active any more: a faster worker has stored and switched, or the rotation was cancelled.
    if (!(error instanceof StoreError) || error.code !== 'REFUSED') throw error;
    if ((await loadDeks(store, tenantId, { dekIds: [newDekId] })).length > 0) return true;
    if ((await loadRunning(store, id)) === null) return false;
    throw error;
  }
}

/**
 * Reads back what is committed of the new DEK, whoever stored it, and seals and opens once under it. With the previous
 * DEK out of reach nothing could be swept, so nothing is switched either.
 */
async function checkDeks(
  { store, keyring }: RotationEnvironment,
  { tenantId, previousDekId, newDekId }: RunningRotation,
): Promise<void> {
  const dekIds = previousDekId === null ? [newDekId] : [newDekId, previousDekId];
  const committed = await loadDeks(store, tenantId, { dekIds });
  const stored = committed.find(({ id }) => id === newDekId);
  if (stored === undefined) throw new PermanentTrouble('NEW_KEY_UNUSABLE');
  const dek = await unlessDamaged(() => keyring.fromRow(tenantId, stored));
  if (!tryDek(tenantId, dek)) throw new PermanentTrouble('NEW_KEY_UNUSABLE');
  if (previousDekId === null) return;
  const previous = committed.find(({ id }) => id === previousDekId);
  if (previous === undefined) throw new PermanentTrouble('OLD_KEY_UNUSABLE');
  await keyring.fromRow(tenantId, previous);
}

/**
 * How long the switch may make new writers wait, attempt by attempt. The early ones lie below Postgres' default
 * `deadlock_timeout`, so that no writer is chosen as a deadlock's victim; only against transactions that never stop
 * overlapping for that long does it insist.
 */
const patienceMs = [100, 200, 400, 800, 800, 800, 800, 800, 2_000, 5_000, 10_000] as const;
const patienceMaxMs = 10_000;

async function raiseFence(
  env: RotationEnvironment,
  rotation: RunningRotation,
  signal: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      const order = {
        rotationId: rotation.id,
        tenantId: rotation.tenantId,
        previousDekId: rotation.previousDekId,
        newDekId: rotation.newDekId,
        patienceMs: patienceMs[attempt] ?? patienceMaxMs,
      };
      if (await switchDek(env.store, order)) return true;
      // Not ours to switch: cancelled, or another worker was faster.
      return (await loadRunning(env.store, rotation.id))?.switched ?? false;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'LOCKED') throw error;
    }
    const snapshot = await beat(env.store, rotation.id, 'lock');
    if (snapshot === null) return false;
    env.publish(snapshot);
    await sleep(50 + Math.random() * 200, undefined, { signal });
  }
}
