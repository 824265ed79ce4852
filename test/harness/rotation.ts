import { randomUUID } from 'node:crypto';
import {
  findRotation,
  type RotationView,
  type StartedRotation,
  type StartRotation,
  type SwitchDek,
  type Switched,
  startRotation,
  storeMaterial,
  switchDek,
  takeUp,
} from '@rekey/control';
import { openStore, openSweepStore, row, rows, type Store, StoreError } from '@rekey/db';
import { createKeyring, makeDek } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { fixedBatchSize, type RotationEnvironment, rotate } from '@rekey/rotation';
import { createVault, type Vault, type VaultOptions } from '@rekey/vault';
import type { Pool } from 'pg';
import { cipherHere } from './ciphers.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type TestKek, testKek } from './kek.ts';
import { patient } from './patient.ts';

/** The core without HTTP and without Redis: a database, a KEK, an application's vault, and rotations by a call. */
export interface Core {
  readonly database: TestDatabase;
  readonly store: Store;
  readonly kek: TestKek;
  readonly vault: Vault;
  readonly env: RotationEnvironment;
  /** As the schema's owner. */
  readonly pool: Pool;
  /** Connections and a keyring of its own, as another worker process has. */
  environment(replaced?: Partial<RotationEnvironment>): RotationEnvironment;
  /** Another process' vault: with a keyring of its own. */
  anotherVault(options?: Partial<VaultOptions>): Vault;
  createTenant(): Promise<string>;
  /** A new tenant with so many records in `secrets`; `firstSecret` says what they hold. */
  tenantWith(records: number): Promise<{ tenantId: string; ids: string[] }>;
  /** As a call of the API does. */
  tryToStart(tenantId: string, call?: Partial<StartRotation>): Promise<StartedRotation>;
  /** The id of a new rotation, which must have started. */
  start(tenantId: string): Promise<string>;
  /** One attempt at a started rotation, as a job makes it. */
  rotateOnce(rotationId: string): Promise<unknown>;
  /** Takes a started rotation to its end. */
  finish(rotationId: string): Promise<RotationView>;
  startAndRotate(tenantId: string): Promise<RotationView>;
  view(rotationId: string): Promise<RotationView>;
  activeKey(tenantId: string): Promise<{ id: string; keyNumber: number }>;
  /** Key number and state of the tenant's DEKs, by number, as in `1 deactivated`. */
  deks(tenantId: string): Promise<string[]>;
}

export async function rotationCore(owner: Owner = thisFile, given?: TestDatabase): Promise<Core> {
  const vaults: Vault[] = [];
  const stores: Store[] = [];
  // Before the database is dropped: a vault that listens holds a connection.
  owner.after(async () => {
    await Promise.all(vaults.map((vault) => vault.close()));
    // A test may have ended some, to see what their sessions counted.
    await Promise.all(stores.filter((opened) => !opened.ended).map((opened) => opened.end()));
  });
  const database = given ?? (await createTestDatabase(owner));
  const url = database.url;
  const onError = (): void => {};
  const store = openStore({ ...patient, url, max: 20, onError });
  const sweepStore = openSweepStore({ ...patient, url, onError });
  const kek = await testKek(owner);
  const anotherVault = (options: Partial<VaultOptions> = {}): Vault => {
    const vault = createVault({ store, kek, prefetch: false, report: false, ...options });
    vaults.push(vault);
    return vault;
  };
  stores.push(store, sweepStore);
  const vault = anotherVault();
  const on = (
    stores: Pick<RotationEnvironment, 'store' | 'sweepStore'>,
    replaced: Partial<RotationEnvironment>,
  ): RotationEnvironment => {
    const keks = replaced.keks ?? asKeks(kek);
    return {
      ...stores,
      keks,
      keyring: createKeyring({ store: stores.store, keks }),
      cipher: cipherHere(),
      batchSize: fixedBatchSize(100),
      publish: () => {},
      ...replaced,
    };
  };
  const env = on({ store, sweepStore }, {});

  const createTenant = async (): Promise<string> => {
    const tenantId = randomUUID();
    await vault.createTenant({ tenantId, name: 'a tenant' });
    return tenantId;
  };
  const tryToStart: Core['tryToStart'] = (tenantId, call = {}) =>
    startRotation(store, {
      rotationId: randomUUID(),
      newDekId: randomUUID(),
      tenantId,
      initiatedBy: { id: 'ada', name: null, email: null },
      idempotency: null,
      ...call,
    });
  const start = async (tenantId: string): Promise<string> => {
    const started = await tryToStart(tenantId);
    if (started.kind !== 'started') throw new Error(`not started: ${started.kind}`);
    return started.view.id;
  };
  const view = async (rotationId: string): Promise<RotationView> => {
    const found = await findRotation(store, rotationId);
    if (found === null) throw new Error(`no rotation ${rotationId}`);
    return found;
  };
  const finish = async (rotationId: string): Promise<RotationView> => {
    while ((await rotate(env, rotationId, new AbortController().signal)) === 'left');
    return view(rotationId);
  };

  return {
    database,
    store,
    kek,
    vault,
    env,
    pool: database.pool(),
    environment(replaced = {}) {
      const own = openStore({ ...patient, url, max: 5, onError });
      const ownSweepStore = openSweepStore({ ...patient, url, max: 5, onError });
      stores.push(own, ownSweepStore);
      return on({ store: own, sweepStore: ownSweepStore }, replaced);
    },
    anotherVault,
    createTenant,
    async tenantWith(records) {
      const tenantId = await createTenant();
      const ids = Array.from({ length: records }, () => randomUUID());
      await vault.putMany({
        target: 'secrets',
        tenantId,
        records: ids.map((id) => ({ id, value: firstSecret(id), columns: { name: 'a secret' } })),
      });
      return { tenantId, ids };
    },
    tryToStart,
    start,
    rotateOnce: (rotationId) => rotate(env, rotationId, new AbortController().signal),
    finish,
    startAndRotate: async (tenantId) => finish(await start(tenantId)),
    view,
    async activeKey(tenantId) {
      const { id, key_number: keyNumber } = await row<{ id: string; key_number: number }>(
        store,
        `select id, key_number from rekey.deks where tenant_id = $1 and state = 'active'`,
        [tenantId],
      );
      return { id, keyNumber };
    },
    async deks(tenantId) {
      const found = await rows<{ dek: string }>(
        store,
        `select concat_ws(' ', key_number, state) as dek from rekey.deks where tenant_id = $1 order by key_number`,
        [tenantId],
      );
      return found.map(({ dek }) => dek);
    },
  };
}

export const firstSecret = (id: string): Buffer => Buffer.from(`the first secret of ${id}`);

/** Starts a rotation and takes it to where only the switch is missing. */
export async function readyToSwitch(
  { store, kek, start }: Pick<Core, 'store' | 'kek' | 'start'>,
  tenantId: string,
): Promise<SwitchDek> {
  const rotationId = await start(tenantId);
  const running = await takeUp(store, rotationId);
  if (running === null) throw new Error('a rotation that was started does not run');
  const { previousDekId, newDekId } = running;
  await storeMaterial(store, await makeDek(kek, tenantId, newDekId));
  return { rotationId, tenantId, previousDekId, newDekId };
}

/** As a worker does it: a switch that found a lock in its way is asked for again. */
export async function switchPatiently(store: Store, order: SwitchDek): Promise<Switched> {
  for (;;) {
    try {
      return await switchDek(store, order);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'LOCKED')) throw error;
    }
  }
}
