import { readRecord, type Target } from '@rekey/data';
import type { Queryable, Store } from '@rekey/db';
import { EnvelopeError, formatOf } from '@rekey/envelope';
import type { Dek, Keyring } from '@rekey/keyring';
import { checkedTenant, idImage, tooLarge } from './input.ts';
import type { KnownTargets } from './known-targets.ts';
import { inTurn } from './transactions.ts';
import { asVault } from './translate.ts';
import type { RecordRef } from './types.ts';
import { VaultError } from './vault-error.ts';

export interface GetParts {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly targets: KnownTargets;
  readonly valueBytesMax: number;
  /** Called when a DEK of the tenant stands ready to become active. */
  readonly onDekAhead: (tenantId: string) => void;
}

export function createGet(parts: GetParts): (record: RecordRef) => Promise<Buffer | null> {
  const { store, keyring, targets } = parts;

  const once = async (
    { id, client, target: name }: RecordRef,
    tenantId: string,
    dekOf: (keyNumber: number) => Promise<Dek | null>,
  ): Promise<Buffer | null> => {
    const target = await targets.named(name);
    idImage(target, id);
    const found = await read(parts, client ?? store, target, { tenantId, id });
    if (found === null) return null;
    const format = formatOf(target.format);
    const keyNumber = format.keyOf(found.ciphertext, 0, found.ciphertext.length);
    const dek = keyNumber === null ? null : await dekOf(keyNumber);
    if (dek === null) throw new VaultError('UNREADABLE', 'The record names no DEK that this tenant has');
    try {
      const cipher = format.at({ tenantId, column: target.column });
      // Bound to its id as it stands in the table, which need not be spelled as the one asked for.
      return cipher.open(dek.key, idImage(target, found.id), found.ciphertext);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      throw new VaultError('UNREADABLE', 'The record does not open', { cause: error });
    }
  };

  const get = async (record: RecordRef): Promise<Buffer | null> => {
    const tenantId = checkedTenant(record.tenantId);
    try {
      return await once(record, tenantId, (keyNumber) => keyring.byNumber(tenantId, keyNumber));
    } catch (error) {
      const code = error instanceof VaultError ? error.code : undefined;
      // The table may have been renamed and registered anew. A caller's transaction has failed by this.
      if (code === 'SCHEMA_MISSING' && record.client === undefined) targets.forget();
      else if (code !== 'UNREADABLE') throw error;
      // After a failover or a restore other bytes may be stored under the DEK's number than those at hand; and since
      // it was read, the record may have gone to another DEK and this one been destroyed.
      return once(record, tenantId, (keyNumber) => keyring.refresh(tenantId, keyNumber));
    }
  };

  return (record) => asVault(() => inTurn(record.client, () => get(record)));
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
