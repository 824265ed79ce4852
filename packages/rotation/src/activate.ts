import { findIntegrityProblems, loadRunning, type RunningRotation, type TakenUp } from '@rekey/control';
import type { PlanEdges } from '@rekey/data';
import { StoreError } from '@rekey/db';
import { makeDek, tryDek } from '@rekey/keyring';
import type { RotationEnvironment } from './environment.ts';
import { fetchDek, unlessDamaged } from './fetch-new-dek.ts';
import { stepsOf } from './steps.ts';
import { IntegrityTrouble, PermanentTrouble } from './trouble.ts';

/** The tenant's active DEK is the rotation's. */
interface Activated {
  /** Of this rotation's own switch: what there is to plan, which was looked for beside it. */
  readonly edges?: Promise<PlanEdges>;
}

/**
 * Makes the new DEK the tenant's active one: made, wrapped, stored, read back, unwrapped and tried before the switch,
 * never sealed with from the bytes that were generated. May be called again at any point, by several workers at once:
 * one of them stores the material, one of them switches. Null: the rotation is not running any more.
 */
export async function activate(env: RotationEnvironment, rotation: TakenUp): Promise<Activated | null> {
  if (rotation.switched) return {};
  if (!rotation.materialStored && !(await provideMaterial(env, rotation))) return null;
  await checkDeks(env, rotation);
  return raiseFence(env, rotation);
}

/** False: the rotation ended meanwhile, and its DEK with it. */
async function provideMaterial(
  env: RotationEnvironment,
  { id, tenantId, previousDekId, newDekId, kekId }: RunningRotation,
): Promise<boolean> {
  const { store, keks, keyring } = env;
  const steps = stepsOf(env);
  // What was wrapped under another KEK than the applications' would have to be thrown away again, if not worse.
  if (previousDekId === null) await keyring.needRightKek(newDekId);
  else if ((await fetchDek(env, tenantId, previousDekId)) === null)
    throw new PermanentTrouble('OLD_KEY_UNUSABLE');
  const kek = await (kekId === null ? keks.forTenant(tenantId) : keks.of(kekId));
  const made = await makeDek(kek, tenantId, newDekId);
  try {
    await steps.storeMaterial(made);
    return true;
  } catch (error) {
    // The DEK is not pre_active any more: a faster worker has stored and switched, or the rotation was cancelled.
    if (!(error instanceof StoreError) || error.code !== 'REFUSED') throw error;
    if ((await steps.loadDek({ tenantId, dekId: newDekId })) !== null) return true;
    if ((await loadRunning(store, id)) === null) return false;
    throw error;
  }
}

/**
 * Reads back what is committed of the new DEK, whoever stored it, and seals and opens once under it. With the previous
 * DEK out of reach nothing could be swept, so nothing is switched either.
 */
async function checkDeks(
  env: RotationEnvironment,
  { tenantId, previousDekId, newDekId }: RunningRotation,
): Promise<void> {
  const { keyring } = env;
  const { loadDek } = stepsOf(env);
  const [stored, previous] = await Promise.all([
    loadDek({ tenantId, dekId: newDekId }),
    previousDekId === null ? null : loadDek({ tenantId, dekId: previousDekId }),
  ]);
  if (stored === null) throw new PermanentTrouble('NEW_KEY_UNUSABLE');
  const dek = await unlessDamaged(() => keyring.fromRow(tenantId, stored));
  if (!tryDek(tenantId, dek)) throw new PermanentTrouble('NEW_KEY_UNUSABLE');
  if (previousDekId === null) return;
  if (previous === null) throw new PermanentTrouble('OLD_KEY_UNUSABLE');
  await keyring.fromRow(tenantId, previous);
}

/**
 * Moves the pointer, which waits for no writer. Null: this rotation is not ours to switch and was not switched by
 * another worker either.
 */
async function raiseFence(env: RotationEnvironment, rotation: RunningRotation): Promise<Activated | null> {
  const { id: rotationId, tenantId, previousDekId, newDekId } = rotation;
  const { switchDek, planEdges } = stepsOf(env);
  // At the same time: which targets there are does not hang on the switch, and of what another planner stores meanwhile the
  // storing of ranges knows.
  const edges = planEdges(rotationId);
  edges.catch(() => {}); // whoever plans is told
  const switched = await switchDek({ rotationId, tenantId, previousDekId, newDekId });
  if (switched === 'integrity') throw new IntegrityTrouble(await findIntegrityProblems(env.store, tenantId));
  if (switched !== 'not_ours') env.onEvent?.({ kind: 'switched', rotationId, tenantId });
  if (switched === 'drained') env.onEvent?.({ kind: 'drained', rotationId, tenantId });
  if (switched !== 'not_ours') return { edges };
  // Cancelled, or another worker was faster.
  return (await loadRunning(env.store, rotationId))?.switched === true ? {} : null;
}
