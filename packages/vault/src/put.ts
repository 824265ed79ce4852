import { holdActiveDek } from '@rekey/control';
import { forgetColumns, RecordError, type Target } from '@rekey/data';
import type { Db, Queryable } from '@rekey/db';
import type { Dek, Keyring, Usage } from '@rekey/keyring';
import { idImage, type Order, takeOrder } from './input.ts';
import type { KnownTargets } from './known-targets.ts';
import type { SealBudget, Sealing } from './seal-budget.ts';
import { inOwnTransaction, inSavepoint, oneAtATime } from './transactions.ts';
import { asVault } from './translate.ts';
import type { PutRecord, PutRecords } from './types.ts';
import { VaultError } from './vault-error.ts';
import { type Imaged, writeSealed } from './write-sealed.ts';

export interface PutParts {
  readonly store: Db;
  readonly keyring: Keyring;
  readonly budget: SealBudget;
  readonly usage: Pick<Usage, 'time'>;
  readonly targets: KnownTargets;
  readonly valueBytesMax: number;
}

/** The tenant's active DEK, locked as such until the transaction ends. */
interface Held extends Sealing {
  readonly keyNumber: number;
}

/** Why an attempt wrote nothing: to be seen to outside the transaction, since nothing slow happens while a DEK is held. */
type Obstacle =
  | { readonly kind: 'not at hand'; readonly held: Held }
  | { readonly kind: 'spelled otherwise'; readonly stored: ReadonlyMap<string, string> };

/** How often a put starts over before it says `RETRY`: keys are switched once in a rotation, not once in a put. */
const attemptsMax = 8;

export function createPutMany(parts: PutParts): (given: PutRecords) => Promise<void> {
  return (given) =>
    asVault(async () => {
      const order = takeOrder(given, parts.valueBytesMax);
      try {
        if (order.records.length === 0) return;
        await oneAtATime(given.client, () => carryOut(parts, order, given.client));
      } finally {
        order.wipe();
      }
    });
}

export function createPut(
  putMany: (given: PutRecords) => Promise<void>,
): (given: PutRecord) => Promise<void> {
  return (given) =>
    asVault(async () => {
      const { target, tenantId, client, id, value, columns } = given;
      await putMany({
        target,
        tenantId,
        ...(client === undefined ? {} : { client }),
        records: [{ id, value, ...(columns === undefined ? {} : { columns }) }],
      });
    });
}

async function carryOut(parts: PutParts, given: Order, client: Queryable | undefined): Promise<void> {
  const { store, keyring, budget, targets, usage } = parts;
  let order = given;
  let lookedAnew = false;
  let paid: Sealing | undefined; // seals of which are this put's alone, so that no other takes them first

  const attempt = async (tx: Queryable, target: Target, records: readonly Imaged[]) => {
    const { tenantId } = order;
    const active = await holdActiveDek(tx, tenantId);
    if (active === null) throw new VaultError('NO_ACTIVE_KEY', 'The tenant has no active DEK');
    const held = { tenantId, ...active };
    // Bytes of other material would be opened by nobody: after a failover there may be another DEK under the number.
    const dek = keyring.atHand(tenantId, held.keyNumber, held.materialId);
    if (dek === undefined) return { kind: 'not at hand', held } as const;
    const isPaid = paid?.materialId === held.materialId;
    if (!isPaid && !budget.take(held, records.length)) return { kind: 'not at hand', held } as const;
    paid = undefined;
    return writeSealed(tx, target, { tenantId, dek, records, usage });
  };

  const overcome = async (obstacle: Obstacle): Promise<void> => {
    if (obstacle.kind === 'spelled otherwise') {
      order = respelled(order, obstacle.stored);
      return;
    }
    const { held } = obstacle;
    await fetchDek(keyring, held);
    await budget.draw(held, order.records.length);
    paid = held;
  };

  for (let tries = 1; ; tries += 1) {
    let target: Target | undefined;
    try {
      const found = await targets.named(order.target);
      target = found;
      const records = imagesOf(found, order);
      const came =
        client === undefined
          ? await inOwnTransaction<Obstacle>(store, (tx) => attempt(tx, found, records))
          : await inSavepoint<Obstacle>(client, (tx) => attempt(tx, found, records));
      if (came === 'done') return;
      if (tries === attemptsMax) throw new VaultError('RETRY', 'The DEK changed with every attempt');
      await asVault(() => overcome(came));
    } catch (error) {
      const conflicts = error instanceof VaultError && error.code === 'RETRY' && client === undefined;
      const again = conflicts || (!lookedAnew && concernsTheTable(error));
      if (!again || tries === attemptsMax) throw error;
      if (conflicts) continue;
      // Once: the application may have changed its table since it was looked at.
      lookedAnew = true;
      if (target !== undefined) forgetColumns(target);
      if (error instanceof VaultError && error.code === 'SCHEMA_MISSING') targets.forget();
    }
  }
}

function concernsTheTable(error: unknown): boolean {
  if (!(error instanceof VaultError)) return false;
  if (error.code === 'SCHEMA_MISSING') return true;
  return error.cause instanceof RecordError && error.cause.code === 'COLUMNS_CHANGED';
}

async function fetchDek(keyring: Keyring, { tenantId, keyNumber, materialId }: Held): Promise<Dek | null> {
  return keyring.atHand(tenantId, keyNumber, materialId) ?? keyring.refresh(tenantId, keyNumber);
}

/** Throws `INVALID_ID`, also for two that are the same. */
function imagesOf(target: Target, order: Order): Imaged[] {
  const records = order.records.map(({ id, ...rest }) => ({ ...rest, id: idImage(target, id) }));
  if (new Set(records.map(({ id }) => id.toString('latin1'))).size !== records.length) {
    throw new VaultError('INVALID_ID', 'The same id twice in one putMany');
  }
  return records;
}

/** To a collation of the column's, the ids given and those stored are the same: it is the stored ones that count. */
function respelled(order: Order, stored: ReadonlyMap<string, string>): Order {
  return {
    ...order,
    records: order.records.map((record) => ({ ...record, id: stored.get(record.id) ?? record.id })),
  };
}
