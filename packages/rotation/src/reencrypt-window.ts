import { setImmediate as otherEvents } from 'node:timers/promises';
import {
  createReplacements,
  type PackedRecords,
  type Replacements,
  type SealedRecord,
  type SetAside,
  type SetAsideReason,
  type Target,
} from '@rekey/data';
import {
  type BatchCipher,
  type DekKey,
  EnvelopeError,
  type Format,
  type RecordCipher,
  type Reencryption,
} from '@rekey/envelope';
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
  format: Format,
  tenantId: string,
  records: PackedRecords,
): Promise<OlderDeks> {
  const deks = new Map<number, Dek | SetAsideReason>();
  for (let index = 0; index < records.length; index += 1) {
    const keyNumber = keyNumberOf(format, records, index);
    if (keyNumber === null || deks.has(keyNumber)) continue;
    deks.set(keyNumber, await orReason(() => keyring.byNumber(tenantId, keyNumber)));
  }
  return deks;
}

/** Null, too, where there is only the beginning of a ciphertext. */
function keyNumberOf(format: Format, records: PackedRecords, index: number): number | null {
  if (records.isTooLarge(index)) return null;
  return format.keyOf(records.memory, records.ciphertextAt(index), records.ciphertextBytes(index));
}

/** The keys of those that there are. */
export function keysOf(deks: OlderDeks): Set<DekKey> {
  return new Set([...deks.values()].flatMap((dek) => (typeof dek === 'string' ? [] : [dek.key])));
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
 * have no work. What costs a tenth may take ten times as many.
 */
const recordsInOneGo = { node: 16, ffi: 256 } as const satisfies Record<BatchCipher['kind'], number>;

/** A pass of a cipher, whose it is, and how what it reads and writes is laid out. */
export interface Recipher {
  readonly format: Format;
  readonly kind: BatchCipher['kind'];
  readonly pass: Reencryption;
}

/**
 * Opens and seals anew, from the bytes of the window to the arrays that are sent: no record has an object of its own unless
 * it is set aside. One that will not open is, with the reason, and is never a reason to stop.
 */
export async function reencryptBatch(
  target: Target,
  { format, kind, pass }: Recipher,
  window: PackedRecords,
  { first, step }: Stride,
  olderDeks: OlderDeks,
): Promise<Reencrypted> {
  const replacements = createReplacements(target, {
    identityBytes: format.identityBytes,
    items: Math.ceil(window.length / step),
    bytes: Math.ceil(window.bytes / step),
  });
  const setAside: SetAside[] = [];
  let inOneGo = 0;
  for (let index = first; index < window.length; index += step) {
    if (inOneGo === recordsInOneGo[kind]) {
      await otherEvents();
      inOneGo = 0;
    }
    inOneGo += 1;
    const reason = reencryptAt(format, pass, replacements, window, index, olderDeks);
    if (reason === null) continue;
    const { id, ciphertext } = window.at(index);
    setAside.push({ id, seen: format.identityOf(ciphertext), reason });
  }
  return { replacements, setAside };
}

/** Anything but a reason would be wrong with a DEK, and so with every record: it is thrown. */
function reencryptAt(
  format: Format,
  pass: Reencryption,
  replacements: Replacements,
  window: PackedRecords,
  index: number,
  olderDeks: OlderDeks,
): SetAsideReason | null {
  if (window.isTooLarge(index)) return 'TOO_LARGE';
  const { memory } = window;
  const [at, bytes] = [window.ciphertextAt(index), window.ciphertextBytes(index)];
  const keyNumber = format.keyOf(memory, at, bytes);
  if (keyNumber === null) return 'MALFORMED';
  const from = olderDeks.get(keyNumber) ?? 'KEY_UNKNOWN';
  if (typeof from === 'string') return from;
  const [idAt, idBytes] = [window.idAt(index), window.idBytes(index)];
  const room = replacements.room(bytes);
  const outcome = pass.reencrypt(from.key, memory, idAt, idBytes, at, bytes, replacements.memory, room);
  if (outcome !== 'done') return outcome;
  replacements.addWritten(memory, idAt, idBytes, at, bytes);
  return null;
}

/**
 * Adds one record sealed anew, or says why it cannot be: by `node:crypto` and on its own, for whoever doubts what the sweep
 * found.
 */
export function reencryptOne(
  { format, cipher }: { readonly format: Format; readonly cipher: RecordCipher },
  replacements: Replacements,
  record: SealedRecord,
  olderDeks: OlderDeks,
  newDek: Dek,
): SetAside | null {
  const { id, ciphertext, isTooLarge } = record;
  const aside = (reason: SetAsideReason): SetAside => ({
    id,
    seen: format.identityOf(ciphertext),
    reason,
  });
  if (isTooLarge === true) return aside('TOO_LARGE');
  const keyNumber = format.keyOf(ciphertext, 0, ciphertext.length);
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
