import { setImmediate as otherEvents } from 'node:timers/promises';
import {
  createReplacements,
  type PackedRecords,
  type Replacements,
  type SealedRecord,
  type SetAside,
  seenBytes,
  type Target,
} from '@rekey/data';
import { type createRecordCipher, EnvelopeError, readKeyNumber } from '@rekey/envelope';
import type { Dek, Keyring } from '@rekey/keyring';
import { KmsError } from '@rekey/kms';

export interface Reencrypted {
  readonly replacements: Replacements;
  readonly setAside: SetAside[];
}

/** The older DEKs that a window needs, by key number; where there is none, the reason. */
export type OlderDeks = ReadonlyMap<number, Dek | string>;

/** Fetches every DEK that the records name. Throws only for trouble that concerns the KEK or the database. */
export async function fetchOlderDeks(
  keyring: Keyring,
  tenantId: string,
  records: Iterable<SealedRecord>,
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

/** Every `step`-th record of a window, from `first` on. */
export interface Stride {
  readonly first: number;
  readonly step: number;
}

/**
 * After so many records the other ranges' answers are seen to: a whole batch takes milliseconds, in which Postgres would
 * have no work.
 */
const recordsInOneGo = 16;

/** Opens and seals anew. A record that will not open is set aside with the reason, never a reason to stop. */
export async function reencryptBatch(
  target: Target,
  cipher: ReturnType<typeof createRecordCipher>,
  window: PackedRecords,
  { first, step }: Stride,
  olderDeks: OlderDeks,
  newDek: Dek,
): Promise<Reencrypted> {
  const replacements = createReplacements(
    target,
    Math.ceil(window.length / step),
    Math.ceil(window.bytes / step),
  );
  const setAside: SetAside[] = [];
  let inOneGo = 0;
  for (let index = first; index < window.length; index += step) {
    if (inOneGo === recordsInOneGo) {
      await otherEvents();
      inOneGo = 0;
    }
    inOneGo += 1;
    const record = window.at(index);
    const { id, ciphertext } = record;
    const keyNumber = readKeyNumber(ciphertext);
    const from = keyNumber === null ? 'MALFORMED' : (olderDeks.get(keyNumber) ?? 'KEY_UNKNOWN');
    if (typeof from === 'string') {
      setAside.push({ id, seen: ciphertext.subarray(0, seenBytes), reason: from });
      continue;
    }
    const order = {
      recordId: id,
      ciphertext,
      from: from.key,
      to: newDek.key,
      toKeyNumber: newDek.keyNumber,
    };
    try {
      replacements.add(record, (into, at) => cipher.reencrypt(order, into, at));
    } catch (error) {
      if (!(error instanceof EnvelopeError) || !concernsTheRecord(error)) throw error;
      setAside.push({ id, seen: ciphertext.subarray(0, seenBytes), reason: error.code });
    }
  }
  return { replacements, setAside };
}

/** Anything else would be wrong with a DEK, and so with every record. */
function concernsTheRecord({ code }: EnvelopeError): boolean {
  return code === 'MALFORMED' || code === 'AUTHENTICATION_FAILED';
}
