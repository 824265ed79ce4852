import { randomUUID } from 'node:crypto';
import { holdActiveDek, insertTenant, listenForDeks, loadDeks } from '@rekey/control';
import {
  type ColumnValue,
  loadTargets,
  readRecord,
  replaceRecords,
  type Target,
  upsertRecords,
} from '@rekey/data';
import { inTransaction, type Queryable, rows, type Store } from '@rekey/db';
import { createRecordCipher, EnvelopeError, readKeyNumber, recordIdBytes } from '@rekey/envelope';
import { createKeyring, type Dek, makeDek } from '@rekey/keyring';
import type { Kek } from '@rekey/kms';
import { createSealBudget } from './seal-budget.ts';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

export interface RecordRef {
  /** The name under which the table was registered, e.g. `credentials`. */
  readonly target: string;
  readonly tenantId: string;
  readonly id: string;
  /** A connection with a transaction of the caller's; without one the vault uses its own. */
  readonly client?: Queryable;
}

/** Plain columns to write with a record, by name. */
export type Columns = Readonly<Record<string, ColumnValue>>;

export interface PutRecord extends RecordRef {
  readonly value: Uint8Array;
  /** Needed for a new record whose table has columns without defaults; without them an existing record's stay. */
  readonly columns?: Columns;
}

export interface PutRecords extends Omit<RecordRef, 'id'> {
  /** Each with the same columns. */
  readonly records: ReadonlyArray<{
    readonly id: string;
    readonly value: Uint8Array;
    readonly columns?: Columns;
  }>;
}

/**
 * Where an application keeps its tenants' secrets. Right at every moment of a rotation: what was put is what is got,
 * under whichever DEK it stands, and a put is never refused because a key was switched in its midst.
 */
export interface Vault {
  /** Makes sure that the tenant exists and has a DEK. Idempotent, also when called at the same time. */
  createTenant(tenant: { readonly tenantId: string; readonly name: string }): Promise<void>;
  /**
   * Inserts a record or replaces its value. With a `client` it becomes part of that transaction; `RETRY` then means
   * that the transaction has to be run again, otherwise the vault has tried that itself.
   */
  put(record: PutRecord): Promise<void>;
  /** Many records in one statement: all or none. */
  putMany(records: PutRecords): Promise<void>;
  /** The value last put; null when there is no such record. The caller may zero the bytes. */
  get(record: RecordRef): Promise<Buffer | null>;
  /** Lets go of the connection it listens on. The store and the KEK stay the caller's to close. */
  close(): Promise<void>;
}

export interface VaultOptions {
  readonly store: Store;
  readonly kek: Kek;
  /** Unwrap DEKs before they become active. Takes one connection of the store's. */
  readonly prefetch?: boolean;
  /** Told of trouble that concerned no call, such as a DEK that could not be fetched ahead. */
  readonly onError?: (error: Error) => void;
}

/** How often a put starts over before it says `RETRY`: keys are switched once in a rotation, not once in a put. */
const attemptsMax = 8;

export function createVault({ store, kek, prefetch = true, onError = () => {} }: VaultOptions): Vault {
  const keyring = createKeyring({ store, kek });
  const budget = createSealBudget();
  let targets: Promise<Map<string, Target>> | undefined;

  const loadByName = async (): Promise<Map<string, Target>> =>
    new Map((await asVault(() => loadTargets(store))).map((target) => [target.name, target]));
  const targetNamed = async (name: string): Promise<Target> => {
    const loaded = targets;
    const known = loaded === undefined ? undefined : (await loaded.catch(() => undefined))?.get(name);
    if (known !== undefined) return known;
    // The first time, and for a table that was registered since; once, however many ask.
    if (targets === loaded || targets === undefined) targets = loadByName();
    const target = (await targets).get(name);
    if (target === undefined) throw new VaultError('UNKNOWN_TARGET', `No target is registered as ${name}`);
    return target;
  };

  // Whether another call came while a fetch is under way: that one may have looked before there was anything.
  const fetching = new Map<string, boolean>();
  const fetchAhead = (tenantId: string): void => {
    const underWay = fetching.has(tenantId);
    fetching.set(tenantId, underWay);
    if (underWay) return;
    keyring
      .fetchAhead(tenantId)
      .catch(onError)
      .finally(() => {
        const again = fetching.get(tenantId);
        fetching.delete(tenantId);
        if (again === true) fetchAhead(tenantId);
      });
  };
  // Only for tenants whose records this process works with.
  const stopListening = prefetch
    ? listenForDeks(store, (tenantId) => {
        if (keyring.knows(tenantId)) fetchAhead(tenantId);
      })
    : () => {};

  /**
   * One attempt behind the gate. Undefined: done. Else what is missing, to be had outside the gate, since nothing slow
   * happens behind it.
   */
  const attempt = async (tx: Queryable, target: Target, put: PutRecords): Promise<Held | undefined> => {
    const held = await holdActiveDek(tx, put.tenantId);
    if (held === null) throw new VaultError('NO_ACTIVE_KEY', 'The tenant has no active DEK');
    const dek = keyring.atHand(put.tenantId, held.keyNumber);
    if (dek === undefined || !budget.take(held.dekId, put.records.length)) return held;
    await write(tx, target, put, dek);
    return undefined;
  };

  const fetchMissing = async (tenantId: string, { dekId, keyNumber }: Held, seals: number): Promise<void> => {
    await keyring.byNumber(tenantId, keyNumber);
    await budget.reserve(store, dekId, seals);
  };

  const putMany = async (given: PutRecords): Promise<void> => {
    if (given.records.length === 0) return;
    const put = { ...given, tenantId: given.tenantId.toLowerCase() };
    const target = await targetNamed(put.target);
    for (let tries = 1; ; tries += 1) {
      try {
        const missing =
          put.client === undefined
            ? await inOwnTransaction(store, (tx) => attempt(tx, target, put))
            : await inSavepoint(put.client, (tx) => attempt(tx, target, put));
        if (missing === undefined) return;
        if (tries === attemptsMax) throw new VaultError('RETRY', 'The DEK changed with every attempt');
        await asVault(() => fetchMissing(put.tenantId, missing, put.records.length));
      } catch (error) {
        const again = error instanceof VaultError && error.code === 'RETRY' && put.client === undefined;
        if (!again || tries === attemptsMax) throw error;
      }
    }
  };

  return {
    createTenant: ({ tenantId, name }) =>
      asVault(async () => {
        // Called at every start of an application: with the DEK there, no KMS is needed.
        if ((await loadDeks(store, tenantId, { state: 'active' })).length > 0) return;
        const dek = await makeDek(kek, tenantId, randomUUID());
        await insertTenant(store, { tenantId, name, ...dek });
      }),

    put: ({ target, tenantId, client, id, value, columns }) =>
      putMany({
        target,
        tenantId,
        ...(client === undefined ? {} : { client }),
        records: [{ id, value, ...(columns === undefined ? {} : { columns }) }],
      }),

    putMany,

    async get({ target: name, tenantId: givenTenantId, id, client }) {
      const tenantId = givenTenantId.toLowerCase();
      const target = await targetNamed(name);
      const recordId = idBytes(target, id);
      const found = await asVault(() => readRecord(client ?? store, target, tenantId, id));
      if (found === null) return null;
      if (found.dekAhead) fetchAhead(tenantId);
      const keyNumber = readKeyNumber(found.ciphertext);
      const dek = keyNumber === null ? null : await asVault(() => keyring.byNumber(tenantId, keyNumber));
      if (dek === null) throw new VaultError('UNREADABLE', 'The record names no DEK that this tenant has');
      try {
        const cipher = createRecordCipher({ tenantId, column: target.column });
        return cipher.open(dek.key, recordId, found.ciphertext);
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error;
        throw new VaultError('UNREADABLE', 'The record does not open', { cause: error });
      }
    },

    async close() {
      stopListening();
    },
  };
}

interface Held {
  readonly dekId: string;
  readonly keyNumber: number;
}

/** The binary image of a record's id. Throws `INVALID_ID` for one that is not of the target's type. */
function idBytes({ name, idType }: Target, id: string): Buffer {
  try {
    return recordIdBytes(idType, id);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new VaultError('INVALID_ID', `An id of ${name} is of type ${idType}`, { cause: error });
  }
}

async function write(tx: Queryable, target: Target, put: PutRecords, dek: Dek): Promise<void> {
  const cipher = createRecordCipher({ tenantId: put.tenantId, column: target.column });
  const records = put.records.map(({ id, value, columns = {} }) => {
    const recordId = idBytes(target, id);
    return {
      id: recordId,
      ciphertext: cipher.seal(
        dek.key,
        dek.keyNumber,
        recordId,
        Buffer.from(value.buffer, value.byteOffset, value.length),
      ),
      columns,
    };
  });
  const sealed = { tenantId: put.tenantId, keyNumber: dek.keyNumber, records };
  const keepsColumns = put.records.every(({ columns }) => columns === undefined);
  if (keepsColumns && (await replaceRecords(tx, target, sealed)) === records.length) return;
  if ((await upsertRecords(tx, target, sealed)) !== records.length) {
    throw new VaultError('ID_TAKEN', 'A record with that id belongs to another tenant');
  }
}

/** Rolled back when something is missing: the gate is not held while it is fetched. */
async function inOwnTransaction(
  store: Store,
  work: (tx: Queryable) => Promise<Held | undefined>,
): Promise<Held | undefined> {
  let missing: Held | undefined;
  await asVault(() =>
    inTransaction(store, async (tx) => {
      missing = await work(tx);
      if (missing !== undefined) throw new Missing();
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof Missing)) throw error;
  });
  return missing;
}

class Missing extends Error {}

const release = 'release savepoint rekey_put';
const rollback = 'rollback to savepoint rekey_put; release savepoint rekey_put';

/** Rolling back to the savepoint lets go of the gate and the DEK's row, and of nothing of the caller's. */
async function inSavepoint(
  client: Queryable,
  work: (tx: Queryable) => Promise<Held | undefined>,
): Promise<Held | undefined> {
  return asVault(async () => {
    await rows(client, 'savepoint rekey_put');
    try {
      const missing = await work(client);
      await rows(client, missing === undefined ? release : rollback);
      return missing;
    } catch (error) {
      // Of a put that failed nothing stays, even if the caller goes on and commits.
      await rows(client, rollback).catch(() => {});
      throw error;
    }
  });
}
