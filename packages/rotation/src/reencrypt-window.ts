import { setImmediate as otherEvents } from 'node:timers/promises';
import {
  createReplacements,
  type PackedRecords,
  type Replacements,
  type SealedRecord,
  type SetAside,
  type SetAsideReason,
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
export type OlderDeks = ReadonlyMap<number, Dek | SetAsideReason>;

/** Fetches every DEK that the records name. Throws only for trouble that concerns the KEK or the database. */
export async function fetchOlderDeks(
  keyring: Keyring,
  tenantId: string,
  records: Iterable<SealedRecord>,
): Promise<OlderDeks> {
  const deks = new Map<number, Dek | SetAsideReason>();
  for (const { ciphertext, isTooLarge } of records) {
    const keyNumber = isTooLarge === true ? null : readKeyNumber(ciphertext);
    if (keyNumber === null || deks.has(keyNumber)) continue;
    deks.set(keyNumber, await orReason(() => keyring.byNumber(tenantId, keyNumber)));
  }
  return deks;
}

/** The DEK, or why there is none. */
export async function orReason(find: () => Promise<Dek | null>): Promise<Dek | SetAsideReason> {
  try {
    return (await find()) ?? 'KEY_UNKNOWN';
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
    const refused = reencryptOne(cipher, replacements, window.at(index), olderDeks, newDek);
    if (refused !== null) setAside.push(refused);
  }
  return { replacements, setAside };
}

/** Adds the record sealed anew, or says why it cannot be. */
export function reencryptOne(
  cipher: ReturnType<typeof createRecordCipher>,
  replacements: Replacements,
  record: SealedRecord,
  olderDeks: OlderDeks,
  newDek: Dek,
): SetAside | null {
  const { id, ciphertext, isTooLarge } = record;
  const aside = (reason: SetAsideReason): SetAside => ({
    id,
    seen: ciphertext.subarray(0, seenBytes),
    reason,
  });
  if (isTooLarge === true) return aside('TOO_LARGE');
  const keyNumber = readKeyNumber(ciphertext);
  const from = keyNumber === null ? 'MALFORMED' : (olderDeks.get(keyNumber) ?? 'KEY_UNKNOWN');
  if (typeof from === 'string') return aside(from);
  const order = {
    recordId: id,
    ciphertext,
    from: from.key,
    to: newDek.key,
    toKeyNumber: newDek.keyNumber,
  };
  try {
    replacements.add(record, (into, at) => cipher.reencrypt(order, into, at));
    return null;
  } catch (error) {
    if (
      error instanceof EnvelopeError &&
      (error.code === 'MALFORMED' || error.code === 'AUTHENTICATION_FAILED')
    )
      return aside(error.code);
    // Anything else would be wrong with a DEK, and so with every record.
    throw error;
  }
}
