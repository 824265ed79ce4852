import { randomUUID } from 'node:crypto';
import { startRotation } from '@rekey/control';
import { openStore, openSweepStore } from '@rekey/db';
import { createKeyring } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import {
  conclude,
  measuredBatchSize,
  prepareSweep,
  type RotationEnvironment,
  sweepHere,
} from '@rekey/rotation';
import type { Contender, Task } from './contender.ts';

/** Our sweep and its proof without API, queue and worker process: what they add is the difference to the whole. */
export const sweepAlone: Contender = {
  name: 'Rekey, sweep and proof alone, in this process',
  async run({ rig, databaseUrl, dataset, prepared }) {
    const options = { url: databaseUrl, onError: () => {} };
    const store = openStore(options);
    const sweepStore = openSweepStore(options);
    const env: RotationEnvironment = {
      store,
      sweepStore,
      keks: asKeks(rig.kek),
      keyring: createKeyring({ store, keks: asKeks(rig.kek) }),
      batchSize: measuredBatchSize(),
      publish: () => {},
    };
    try {
      await sweep(env, dataset.warmUpTenantId, rig.signal);
      await prepared();
      return { records: dataset.records, ms: await sweep(env, dataset.tenantId, rig.signal) };
    } finally {
      await store.end();
      await sweepStore.end();
    }
  },
};

async function sweep(
  env: RotationEnvironment,
  tenantId: string,
  signal: Task['rig']['signal'],
): Promise<number> {
  const rotationId = randomUUID();
  await startRotation(env.store, {
    rotationId,
    newDekId: randomUUID(),
    tenantId,
    initiatedBy: { id: 'bench', name: null, email: null },
    idempotency: null,
  });
  const prepared = await prepareSweep(env, rotationId, signal);
  if (prepared === null) throw new Error(`rotation ${rotationId} does not run`);
  const begun = performance.now();
  await sweepHere(env, prepared, signal);
  const ms = performance.now() - begun;
  const conclusion = await conclude(env, rotationId);
  if (conclusion !== 'done') throw new Error(`rotation ${rotationId} is ${conclusion}`);
  return ms;
}
