import { readRecord, type Target } from '@rekey/data';
import type { Queryable } from '@rekey/db';
import { EnvelopeError, formatOf } from '@rekey/envelope';
import type { Dek, Keyring, Usage } from '@rekey/keyring';
import { bytesOf, checkedTenant, idImage, tooLarge } from './input.ts';
import type { KnownTargets } from './known-targets.ts';
import { oneAtATime } from './transactions.ts';
import { asVault } from './translate.ts';
import type { RecordRef, SealedRow } from './types.ts';
import { VaultError } from './vault-error.ts';

export interface GetParts {
  readonly store: Queryable;
  readonly keyring: Keyring;
  readonly targets: KnownTargets;
  readonly usage: Pick<Usage, 'time'>;
  readonly valueBytesMax: number;
  /** Called when a DEK of the tenant stands ready to become active. */
  readonly onDekAhead: (tenantId: string) => void;
}

type DekOf = (keyNumber: number) => Promise<Dek | null>;

/** A record as it stands in its table, with the id that it has there. */
interface Sealed {
  readonly tenantId: string;
  readonly id: string;
  readonly ciphertext: Buffer;
}

export function createGet(parts: GetParts): (record: RecordRef) => Promise<Buffer | null> {
  const get = createGetOne(parts);
  return (record) => asVault(() => oneAtATime(record.client, () => get(record)));
}

/** As `get`, for whoever has its turn on the record's connection already. */
export function createGetOne(parts: GetParts): (record: RecordRef) => Promise<Buffer | null> {
  const { store, keyring, targets, usage } = parts;

  const once = async (record: RecordRef, tenantId: string, dekOf: DekOf): Promise<Buffer | null> => {
    const { id, client, target: name } = record;
    const target = await targets.named(name);
    idImage(target, id);
    const found = await read(parts, client ?? store, target, { tenantId, id });
    return found === null ? null : openWith(usage, dekOf, target, { tenantId, ...found });
  };

  return async (record) => {
    const tenantId = checkedTenant(record.tenantId);
    try {
      return await targets.lookingAgain(record.client, () =>
        once(record, tenantId, (keyNumber) => keyring.byNumber(tenantId, keyNumber)),
      );
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'UNREADABLE') throw error;
      // After a failover or a restore other bytes may be stored under the DEK's number than those at hand; and since
      // it was read, the record may have gone to another DEK and this one been destroyed.
      return once(record, tenantId, (keyNumber) => keyring.refresh(tenantId, keyNumber));
    }
  };
}

/** Opens what a query of the application's own has fetched. */
export function createOpen({
  keyring,
  targets,
  usage,
  valueBytesMax,
}: GetParts): (row: SealedRow) => Promise<Buffer> {
  return (row) =>
    asVault(async () => {
      const tenantId = checkedTenant(row.tenantId);
      const ciphertext = bytesOf(row.ciphertext, 'A ciphertext');
      const target = await targets.named(row.target);
      const most = formatOf(target.format).sealedBytes(valueBytesMax);
      if (ciphertext.length > most) throw tooLarge('The value', valueBytesMax);
      const sealed = { tenantId, id: row.id, ciphertext };
      try {
        return await openWith(usage, (keyNumber) => keyring.byNumber(tenantId, keyNumber), target, sealed);
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== 'UNREADABLE') throw error;
        return openWith(usage, (keyNumber) => keyring.refresh(tenantId, keyNumber), target, sealed);
      }
    });
}

/** Throws `UNREADABLE`, and `INVALID_ID` for an id that is none of the target's. */
export async function openWith(
  usage: Pick<Usage, 'time'>,
  dekOf: DekOf,
  target: Target,
  sealed: Sealed,
): Promise<Buffer> {
  const begun = performance.now();
  const { tenantId, id, ciphertext } = sealed;
  // Bound to its id as it stands in the table, which need not be spelled as the one asked for.
  const image = idImage(target, id);
  const format = formatOf(target.format);
  const keyNumber = format.keyOf(ciphertext, 0, ciphertext.length);
  const dek = keyNumber === null ? null : await dekOf(keyNumber);
  if (dek === null) throw new VaultError('UNREADABLE', 'The record names no DEK that this tenant has');
  try {
    const value = format.at({ tenantId, column: target.column }).open(dek.key, image, ciphertext);
    usage.time('open', performance.now() - begun);
    return value;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new VaultError('UNREADABLE', 'The record does not open', { cause: error });
  }
}

async function read(
  { valueBytesMax, onDekAhead }: GetParts,
  on: Queryable,
  target: Target,
  { tenantId, id }: { readonly tenantId: string; readonly id: string },
): Promise<{ id: string; ciphertext: Buffer } | null> {
  const ciphertextBytesMax = formatOf(target.format).sealedBytes(valueBytesMax);
  const found = await asVault(() => readRecord(on, target, { tenantId, id, ciphertextBytesMax }));
  if (found === null) return null;
  if (found.dekAhead) onDekAhead(tenantId);
  if (found.ciphertext === null) throw tooLarge('The stored value', valueBytesMax);
  return { id: found.id, ciphertext: found.ciphertext };
}
