import { type createRecordCipher, EnvelopeError, readKeyNumber } from '@rekey/envelope';
import type { Dek, Keyring } from '@rekey/keyring';
import { KmsError } from '@rekey/kms';
import { type Replacement, type SealedRecord, type SetAside, seenBytes } from '@rekey/store';

export interface Reencrypted {
  readonly replacements: Replacement[];
  readonly setAside: SetAside[];
}

/** The older DEKs that a window needs, by key number; where there is none, the reason. */
export type OlderDeks = ReadonlyMap<number, Dek | string>;

/** Fetches every DEK that the records name. Throws only for trouble that concerns the KEK or the database. */
export async function fetchOlderDeks(
  keyring: Keyring,
  tenantId: string,
  records: readonly SealedRecord[],
): Promise<OlderDeks> {
  const deks = new Map<number, Dek | string>();
  for (const { ciphertext } of records) {
    const keyNumber = readKeyNumber(ciphertext);
    if (keyNumber === null || deks.has(keyNumber)) continue;
    deks.set(keyNumber, await fetchOlderDek(keyring, tenantId, keyNumber));
  }
  return deks;
}

async function fetchOlderDek(keyring: Keyring, tenantId: string, keyNumber: number): Promise<Dek | string> {
  try {
    return (await keyring.byNumber(tenantId, keyNumber)) ?? 'KEY_UNKNOWN';
  } catch (error) {
    // One old DEK that is damaged keeps its own records back, not everybody's.
    if (error instanceof KmsError && error.code === 'CORRUPT') return 'KEY_UNUSABLE';
    throw error;
  }
}

/** Opens and seals anew. A record that will not open is set aside with the reason, never a reason to stop. */
export function reencryptBatch(
  cipher: ReturnType<typeof createRecordCipher>,
  records: readonly SealedRecord[],
  olderDeks: OlderDeks,
  newDek: Dek,
): Reencrypted {
  const replacements: Replacement[] = [];
  const setAside: SetAside[] = [];
  for (const { id, ciphertext } of records) {
    const seen = ciphertext.subarray(0, seenBytes);
    const keyNumber = readKeyNumber(ciphertext);
    const from = keyNumber === null ? 'MALFORMED' : (olderDeks.get(keyNumber) ?? 'KEY_UNKNOWN');
    if (typeof from === 'string') {
      setAside.push({ id, seen, reason: from });
      continue;
    }
    try {
      const sealed = cipher.reencrypt({
        recordId: id,
        ciphertext,
        from: from.key,
        to: newDek.key,
        toKeyNumber: newDek.keyNumber,
      });
      replacements.push({ id, seen, sealed });
    } catch (error) {
      if (!(error instanceof EnvelopeError) || !concernsTheRecord(error)) throw error;
      setAside.push({ id, seen, reason: error.code });
    }
  }
  return { replacements, setAside };
}

/** Anything else would be wrong with a DEK, and so with every record. */
function concernsTheRecord({ code }: EnvelopeError): boolean {
  return code === 'MALFORMED' || code === 'AUTHENTICATION_FAILED';
}
