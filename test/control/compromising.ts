import assert from 'node:assert/strict';
import { type SwitchDek, storeMaterial, takeUp } from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import type { PoolClient } from 'pg';
import type { rotationCore } from '../harness/rotation.ts';

export const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };
export const forever = new AbortController().signal;

/** Holds the tenant's active DEK in the transaction of a session; its number. */
export async function hold(on: PoolClient, tenantId: string): Promise<number | undefined> {
  return (await on.query('select key_number from rekey.hold_dek($1)', [tenantId])).rows[0]?.key_number;
}

export function compromising(core: Awaited<ReturnType<typeof rotationCore>>) {
  const { store } = core;

  /** Starts a rotation because of a compromised key. */
  async function compromise(tenantId: string) {
    const started = await core.tryToStart(tenantId, { compromise: true });
    assert.equal(started.kind, 'started');
    if (started.kind !== 'started') throw new Error('not started');
    return started;
  }

  /** Where only the switch is missing. */
  async function readyToSwitchCompromised(tenantId: string): Promise<SwitchDek> {
    const { view } = await compromise(tenantId);
    const running = await takeUp(store, view.id);
    assert.ok(running?.compromise);
    await storeMaterial(store, await makeDek(core.kek, tenantId, running.newDekId));
    const { previousDekId, newDekId } = running;
    return { rotationId: view.id, tenantId, previousDekId, newDekId };
  }

  return { compromise, readyToSwitchCompromised };
}
