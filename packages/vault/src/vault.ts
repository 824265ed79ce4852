import { listenForDeks } from '@rekey/control';
import { asDb, type Db, openSibling, type PgPool, poolOf } from '@rekey/db';
import { bindTenantKeks, createKeyring, createUsage, dekAgesOf, startReporting } from '@rekey/keyring';
import { asKeks, type Kek, type Keks } from '@rekey/kms';
import { createTenant } from './create-tenant.ts';
import { createDelete } from './delete.ts';
import { createFetchAhead } from './fetch-ahead.ts';
import { createGet, createOpen } from './get.ts';
import { createGetMany } from './get-many.ts';
import { createKnownTargets } from './known-targets.ts';
import { createPut, createPutMany } from './put.ts';
import { createSealBudget } from './seal-budget.ts';
import type { PutRecord, PutRecords, RecordRef, RecordRefs, SealedRow } from './types.ts';
import { VaultError } from './vault-error.ts';

/**
 * Where an application keeps its tenants' secrets. Right at every moment of a rotation: what was put is what is got,
 * under whichever DEK it stands, and a put is never refused because a key was switched in its midst. Whatever it
 * throws is a `VaultError`.
 */
export interface Vault {
  /**
   * Makes sure that the tenant exists and has a DEK. Idempotent, also when called at the same time. Throws
   * `NO_ACTIVE_KEY` when a first rotation that is to give it one does not in time: call again; and `UNAVAILABLE` where none
   * of this vault's KEKs is one that the installation's DEKs are wrapped under.
   */
  createTenant(tenant: { readonly tenantId: string; readonly name: string }): Promise<void>;
  /**
   * Inserts a record or replaces its value, which is taken as it is at the call. With a `client` it becomes part of
   * that transaction; `RETRY` then means that the transaction has to be run again, otherwise the vault has tried that
   * itself.
   */
  put(record: PutRecord): Promise<void>;
  /** Many records in one transaction: all or none. */
  putMany(records: PutRecords): Promise<void>;
  /** The value last put; null when there is no such record. The caller may zero the bytes. */
  get(record: RecordRef): Promise<Buffer | null>;
  /**
   * The values of those of the records that there are, by the ids asked for. Throws `UNREADABLE` when one of them does not
   * open: `get` then tells which.
   */
  getMany(records: RecordRefs): Promise<Map<string, Buffer>>;
  /** The value of a row that the application has fetched itself, with its id as it stands in the table. */
  open(row: SealedRow): Promise<Buffer>;
  /** Deletes the record's row, plain columns and all; whether there was one. */
  delete(record: RecordRef): Promise<boolean>;
  /** Lets go of its connections and DEKs. The store and the KEKs stay the caller's to close. */
  close(): Promise<void>;
}

export interface VaultOptions {
  /**
   * Where the records are: a pool of node-postgres ({@link openStore} or the application's own), or functions around
   * another driver. Put and get take its connections. Beside a pool the vault opens a small one of its own with the same
   * settings; with another driver it takes all it needs from what it is given, which must not run dry while it puts, and
   * hears nothing ahead.
   */
  readonly store: PgPool | Db;
  /** What new DEKs are wrapped under and stored ones unwrapped with; several: see `createKeks`. */
  readonly kek: Kek | Keks;
  /** Unwrap DEKs before they become active, and drop destroyed ones at once. Takes two connections. */
  readonly prefetch?: boolean;
  /** The largest value that is put and got: 16 MiB unless given, 128 MiB at most. */
  readonly valueBytesMax?: number;
  /**
   * How long an unwrapped DEK is used after its KEK last unwrapped it, and after its row was last seen to stand: 5 minutes
   * unless given. One in use is unwrapped again in half of that, so that nobody waits; a KEK that refuses ends it.
   */
  readonly dekAgeMaxMs?: number;
  /** The same, of the KEK, while its KMS cannot be reached: 60 minutes unless given. */
  readonly dekAgeMaxMsWhileAway?: number;
  /**
   * Tell the database now and then which DEKs this vault has opened, without which none of them can be destroyed: on unless
   * turned off. The application's role may; a report that fails disturbs nobody.
   */
  readonly report?: boolean;
  /** Told of trouble that concerned no call, such as a DEK that could not be fetched ahead. */
  readonly onError?: (error: Error) => void;
}

const MiB = 1 << 20;

/** Twice as many characters as bytes come from Postgres, and a string in V8 has fewer than 2^29. */
const valueBytesMaxMax = 128 * MiB;

/**
 * For whoever lacks a DEK or seals while others hold all of the store's connections. Where DEKs are fetched ahead, one
 * more listens, and one stays at hand: the switch follows the news of a DEK so soon that making a connection takes longer.
 */
const connectionsMax = 3;

export function createVault(options: VaultOptions): Vault {
  const { store, prefetch = true, valueBytesMax = 16 * MiB, report = true } = options;
  const { onError = () => {} } = options;
  if (!Number.isSafeInteger(valueBytesMax) || valueBytesMax < 0 || valueBytesMax > valueBytesMaxMax) {
    throw new VaultError('INVALID_VALUE', `valueBytesMax is an integer of 0 to ${valueBytesMaxMax}`);
  }
  if (typeof store?.query !== 'function' || typeof options.kek !== 'object' || options.kek === null) {
    throw new VaultError('INVALID_VALUE', 'A vault needs a store and a kek');
  }
  const { dekAgeMaxMs, dekAgeMaxMsWhileAway } = options;
  const ages = {
    ...(dekAgeMaxMs === undefined ? {} : { dekAgeMaxMs }),
    ...(dekAgeMaxMsWhileAway === undefined ? {} : { dekAgeMaxMsWhileAway }),
  };
  if (dekAgesOf(ages) === null) {
    throw new VaultError(
      'INVALID_VALUE',
      'dekAgeMaxMs is above 0, and dekAgeMaxMsWhileAway no less and a day at most',
    );
  }
  const db = asDb(store);
  const pool = poolOf(store);
  const sibling =
    pool === null
      ? null
      : openSibling(pool, {
          max: connectionsMax + (prefetch ? 1 : 0),
          min: prefetch ? 2 : 0,
          onError,
        });
  const beside = sibling ?? db;
  const { keks, closeOpened } = bindTenantKeks(asKeks(options.kek), beside);
  const usage = createUsage();
  const keyring = createKeyring({
    store: beside,
    keks,
    usage,
    ...ages,
  });
  const budget = createSealBudget(beside);
  const targets = createKnownTargets(beside);
  const fetchAhead = createFetchAhead({ keyring, budget, onError });
  const stopListening =
    prefetch && sibling !== null
      ? listenForDeks(sibling, {
          // Only for tenants whose records this process works with.
          onTenant: (tenantId) => {
            if (keyring.knows(tenantId)) fetchAhead(tenantId);
          },
          // What was said while nobody listened is missed, and a connection that broke may have been to another server.
          onListening: () => void keyring.lookAgain().catch(onError),
        })
      : () => {};
  const reading = { store: db, keyring, targets, usage, valueBytesMax, onDekAhead: fetchAhead };
  const putMany = createPutMany({ store: db, keyring, budget, targets, usage, valueBytesMax });
  const reports = report ? startReporting({ kind: 'vault', store: beside, keks, usage, onError }) : null;
  let closing: Promise<void> | undefined;

  return {
    createTenant: (tenant) => createTenant({ store: beside, keks, keyring }, tenant),
    put: createPut(putMany),
    putMany,
    get: createGet(reading),
    getMany: createGetMany(reading),
    open: createOpen(reading),
    delete: createDelete({ store: db, targets }),
    async close() {
      stopListening();
      keyring.close();
      closing ??= (reports?.close() ?? Promise.resolve()).then(closeOpened).then(() => sibling?.end());
      await closing;
    },
  };
}
