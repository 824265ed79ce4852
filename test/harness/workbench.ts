import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRotation, type RotationView, startRotation } from '@rekey/control';
import { openStore, openSweepStore, row, type Store } from '@rekey/db';
import { createKeyring } from '@rekey/keyring';
import { asKeks, createLocalKeyFile, type Kek, openKek } from '@rekey/kms';
import { fixedBatchSize, type RotationEnvironment } from '@rekey/rotation';
import { createVault, type Vault } from '@rekey/vault';
import type { Pool } from 'pg';
import { cipherHere } from './ciphers.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { createTestDatabase } from './database.ts';

/** A database, a KEK and an application's vault in this process: what a rotation needs, without HTTP and Redis. */
export interface Workbench {
  readonly databaseUrl: string;
  readonly kekFile: string;
  readonly kek: Kek;
  readonly store: Store;
  readonly vault: Vault;
  readonly pool: Pool;
  /** An environment with connections and a keyring of its own, as another worker process would have. */
  environment(replaced?: Partial<RotationEnvironment>): RotationEnvironment;
  /** The row of a new rotation, as the API makes it. */
  start(tenantId: string): Promise<string>;
  view(rotationId: string): Promise<RotationView>;
  activeKey(tenantId: string): Promise<{ id: string; keyNumber: number }>;
}

export async function workbench(owner: Owner = thisFile): Promise<Workbench> {
  const database = await createTestDatabase(owner);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const kekFile = join(folder, 'kek');
  await createLocalKeyFile(kekFile);
  const kek = await openKek(`local:${kekFile}`);
  const onError = (): void => {};
  const store = openStore({ url: database.url, max: 20, onError });
  const vault = createVault({ store, kek });
  const opened: Store[] = [];
  owner.after(async () => {
    await vault.close();
    // A test may have ended some, to see what their sessions counted.
    await Promise.all([store, ...opened].filter((pool) => !pool.ended).map((pool) => pool.end()));
  });
  return {
    databaseUrl: database.url,
    kekFile,
    kek,
    store,
    vault,
    pool: database.pool(),
    environment(replaced = {}) {
      const own = openStore({ url: database.url, max: 5, onError });
      const sweepStore = openSweepStore({ url: database.url, max: 5, onError });
      opened.push(own, sweepStore);
      const keks = replaced.keks ?? asKeks(kek);
      const keyring = createKeyring({ store: own, keks });
      return {
        store: own,
        sweepStore,
        keks,
        keyring,
        cipher: cipherHere(),
        batchSize: fixedBatchSize(500),
        publish: () => {},
        ...replaced,
      };
    },
    async start(tenantId) {
      const started = await startRotation(store, {
        rotationId: randomUUID(),
        newDekId: randomUUID(),
        tenantId,
        initiatedBy: { id: 'ada', name: null, email: null },
        idempotency: null,
      });
      if (started.kind !== 'started') throw new Error(`not started: ${started.kind}`);
      return started.view.id;
    },
    async view(rotationId) {
      const view = await findRotation(store, rotationId);
      if (view === null) throw new Error(`no rotation ${rotationId}`);
      return view;
    },
    async activeKey(tenantId) {
      const { id, key_number: keyNumber } = await row<{ id: string; key_number: number }>(
        store,
        `select id, key_number from rekey.deks where tenant_id = $1 and state = 'active'`,
        [tenantId],
      );
      return { id, keyNumber };
    },
  };
}

/** A KEK that fails as told before it does what the real one does. */
export function troubledKek(kek: Kek): Kek & { trouble: (() => Error) | null; calls: number } {
  const troubled = {
    id: kek.id,
    uri: kek.uri,
    trouble: null as (() => Error) | null, // set by the test
    calls: 0,
    async wrap(dek: Buffer, aad: Buffer) {
      troubled.calls += 1;
      if (troubled.trouble !== null) throw troubled.trouble();
      return kek.wrap(dek, aad);
    },
    async unwrap(wrapped: Buffer, aad: Buffer) {
      troubled.calls += 1;
      if (troubled.trouble !== null) throw troubled.trouble();
      return kek.unwrap(wrapped, aad);
    },
    close: async () => {},
  };
  return troubled;
}

/** Sums the three kinds of items. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
