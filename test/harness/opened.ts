import { loadTargets } from '@rekey/data';
import { rows, type Store } from '@rekey/db';
import { createRecordCipher, readKeyNumber, recordIdBytes } from '@rekey/envelope';
import { createKeyring } from '@rekey/keyring';
import { asKeks, type Kek, type Keks } from '@rekey/kms';

/** Every record of a tenant as it opens now, by `target/id`; null for one that does not. One statement per target. */
export async function openAll(
  { store, ...from }: { store: Store } & ({ kek: Kek } | { keks: Keks }),
  tenantId: string,
): Promise<Map<string, Buffer | null>> {
  const keyring = createKeyring({ store, keks: 'keks' in from ? from.keks : asKeks(from.kek) });
  const opened = new Map<string, Buffer | null>();
  for (const target of await loadTargets(store)) {
    const cipher = createRecordCipher({ tenantId, column: target.column });
    const found = await rows<{ id: string; ciphertext: Buffer }>(
      store,
      `select ${target.id}::text as id, ${target.ciphertext} as ciphertext from ${target.table}
       where ${target.tenant} = $1`,
      [tenantId],
    );
    for (const { id, ciphertext } of found) {
      const keyNumber = readKeyNumber(ciphertext);
      const dek =
        keyNumber === null
          ? undefined
          : (keyring.atHand(tenantId, keyNumber) ?? (await keyring.byNumber(tenantId, keyNumber)));
      let plaintext: Buffer | null = null;
      try {
        if (dek) plaintext = cipher.open(dek.key, recordIdBytes(target.idType, id), ciphertext);
      } catch {
        // it stays null
      }
      opened.set(`${target.name}/${id}`, plaintext);
    }
  }
  return opened;
}

/** How many of these records do not open to what they should. */
export function wrong(
  opened: ReadonlyMap<string, Buffer | null>,
  expected: Iterable<readonly [string, Buffer]>,
): string[] {
  const bad: string[] = [];
  for (const [place, value] of expected) if (opened.get(place)?.equals(value) !== true) bad.push(place);
  return bad;
}
