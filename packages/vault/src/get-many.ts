import { type FoundRecord, readRecords, type Target } from '@rekey/data';
import { formatOf } from '@rekey/envelope';
import { createGetOne, type GetParts, openWith } from './get.ts';
import { checkedTenant, idImage, tooLarge, valuesBytesMax } from './input.ts';
import { oneAtATime } from './transactions.ts';
import { asVault } from './translate.ts';
import type { RecordRefs } from './types.ts';
import { VaultError } from './vault-error.ts';

/** What one statement brings, about: more would stand in memory several times. */
const statementIdsMax = 10_000;
const statementBytesMax = 16 << 20;

/** Many records with few statements; those that there are, by the ids asked for. */
export function createGetMany(parts: GetParts): (wanted: RecordRefs) => Promise<Map<string, Buffer>> {
  const getOne = createGetOne(parts);

  const getMany = async (wanted: RecordRefs, tenantId: string): Promise<Map<string, Buffer>> => {
    const target = await parts.targets.named(wanted.target);
    const ids = [...new Set(wanted.ids)];
    for (const id of ids) idImage(target, id);
    const values = new Map<string, Buffer>();
    const most = Math.max(valuesBytesMax, parts.valueBytesMax);
    let total = 0;
    for await (const found of readAll(parts, target, { ...wanted, tenantId, ids })) {
      const value =
        (await openFound(parts, target, tenantId, found)) ??
        (await getOne({ ...wanted, tenantId, id: found.given }));
      if (value === null) continue; // it was deleted meanwhile
      values.set(found.given, value);
      total += value.length;
      if (total > most) throw tooLarge('A getMany', most);
    }
    return values;
  };

  return (wanted) =>
    asVault(() => {
      const tenantId = checkedTenant(wanted.tenantId);
      return oneAtATime(wanted.client, () =>
        parts.targets.lookingAgain(wanted.client, () => getMany(wanted, tenantId)),
      );
    });
}

async function* readAll(
  { store, valueBytesMax, onDekAhead }: GetParts,
  target: Target,
  { client, tenantId, ids }: RecordRefs,
): AsyncGenerator<FoundRecord & { readonly ciphertext: Buffer }> {
  const ciphertextBytesMax = formatOf(target.format).sealedBytes(valueBytesMax);
  let left = ids;
  while (left.length > 0) {
    const part = left.slice(0, statementIdsMax);
    const found = await asVault(() =>
      readRecords(client ?? store, target, {
        tenantId,
        ids: part,
        ciphertextBytesMax,
        bytesMax: statementBytesMax,
      }),
    );
    if (found[0]?.dekAhead === true) onDekAhead(tenantId);
    const unsent: string[] = [];
    for (const record of found) {
      const { ciphertext } = record;
      if (ciphertext !== null) yield { ...record, ciphertext };
      else if (record.bytes > ciphertextBytesMax) throw tooLarge('A stored value', valueBytesMax);
      else unsent.push(record.given);
    }
    left = [...unsent, ...left.slice(part.length)];
  }
}

/** Undefined for one that does not open as it was read: it is looked at again, as `get` does. */
async function openFound(
  { keyring, usage }: GetParts,
  target: Target,
  tenantId: string,
  { id, ciphertext }: { readonly id: string; readonly ciphertext: Buffer },
): Promise<Buffer | undefined> {
  try {
    const dekOf = (keyNumber: number) => keyring.byNumber(tenantId, keyNumber);
    return await openWith(usage, dekOf, target, { tenantId, id, ciphertext });
  } catch (error) {
    if (error instanceof VaultError && error.code === 'UNREADABLE') return undefined;
    throw error;
  }
}
