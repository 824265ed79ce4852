import {
  isDamage,
  readAnew,
  readWindow,
  type SealedRecord,
  type SetAsideReason,
  type Target,
} from '@rekey/data';
import { EnvelopeError, formatOf, recordIdBytes } from '@rekey/envelope';
import type { Dek } from '@rekey/keyring';
import type { RotationEnvironment } from '../environment.ts';
import { orReason } from '../reencrypt-window.ts';

export type OpeningEnvironment = Pick<RotationEnvironment, 'sweepStore' | 'keyring'>;

interface Place {
  readonly tenantId: string;
  readonly target: Target;
}

/** What came of opening records. Plaintexts are zeroed at once; nothing of a record is kept or said. */
export interface Opened {
  readonly records: number;
  readonly notOpening: ReadonlyMap<SetAsideReason, number>;
}

/** No DEK has this number: records under any count. */
const anyKey = -1;

/** What is read at once: what a sweep reads, so that a plan takes no more memory. */
const windowItems = 1_600;
const windowBytes = 3 * 1024 * 1024;

/** Opens the next records of a target, as the sweep reads them. */
export async function openWindow(
  env: OpeningEnvironment,
  { tenantId, target }: Place,
  after: string | null,
): Promise<Opened & { readonly next: string | null }> {
  const { identityBytes } = formatOf(target.format);
  using window = await readWindow(
    env.sweepStore,
    target,
    { lower: null, upper: null },
    { tenantId, newKeyNumber: anyKey, after, itemsMax: windowItems, bytesMax: windowBytes, identityBytes },
  );
  const opened = await openAll(env, { tenantId, target }, window.records);
  const notOpening = new Map(opened.notOpening);
  for (const { reason } of window.unreadable) notOpening.set(reason, (notOpening.get(reason) ?? 0) + 1);
  return { records: opened.records + window.unreadable.length, notOpening, next: window.next };
}

/** In groups that are read at once, each of one record at least. */
export function* groupsToOpen(
  chosen: ReadonlyArray<{ readonly id: string; readonly bytes: number }>,
): Generator<string[]> {
  let ids: string[] = [];
  let sum = 0;
  for (const { id, bytes } of chosen) {
    if (ids.length > 0 && (sum + bytes > windowBytes || ids.length === windowItems)) {
      yield ids;
      ids = [];
      sum = 0;
    }
    ids.push(id);
    sum += bytes;
  }
  if (ids.length > 0) yield ids;
}

/** Opens these records, by their ids; those that are not there any more do not count. */
export async function openThese(
  env: OpeningEnvironment,
  { tenantId, target }: Place,
  ids: readonly string[],
): Promise<Opened> {
  const images = ids.map((id) => recordIdBytes(target.idType, id));
  const { identityBytes } = formatOf(target.format);
  const read = (some: readonly Buffer[]): Promise<SealedRecord[]> =>
    readAnew(env.sweepStore, target, { tenantId, newKeyNumber: anyKey, identityBytes }, some);
  const records: SealedRecord[] = [];
  let unreadable = 0;
  try {
    records.push(...(await read(images)));
  } catch (error) {
    if (!isDamage(error)) throw error;
    for (const image of images) {
      await read([image]).then(
        (found) => records.push(...found),
        (trouble: unknown) => {
          if (!isDamage(trouble)) throw trouble;
          unreadable += 1;
        },
      );
    }
  }
  const opened = await openAll(env, { tenantId, target }, records);
  if (unreadable === 0) return opened;
  const notOpening = new Map(opened.notOpening).set('UNREADABLE', unreadable);
  return { records: opened.records + unreadable, notOpening };
}

/** What does not open is looked at once more, with its DEK's row read again: it may have changed meanwhile, or we. */
async function openAll(
  { sweepStore, keyring }: OpeningEnvironment,
  { tenantId, target }: Place,
  records: Iterable<SealedRecord>,
): Promise<Opened> {
  const format = formatOf(target.format);
  const cipher = format.at({ tenantId, column: target.column });
  const deks = new Map<number, Dek | SetAsideReason>();

  const attempt = async (
    { id, ciphertext, isTooLarge }: SealedRecord,
    fetchDek: (keyNumber: number) => Promise<Dek | null>,
  ): Promise<SetAsideReason | null> => {
    if (isTooLarge === true) return 'TOO_LARGE';
    const keyNumber = format.keyOf(ciphertext, 0, ciphertext.length);
    if (keyNumber === null) return 'MALFORMED';
    const dek = deks.get(keyNumber) ?? (await orReason(() => fetchDek(keyNumber)));
    deks.set(keyNumber, dek);
    if (typeof dek === 'string') return dek;
    try {
      cipher.open(dek.key, id, ciphertext).fill(0);
      return null;
    } catch (error) {
      const isItsOwn =
        error instanceof EnvelopeError &&
        (error.code === 'MALFORMED' || error.code === 'AUTHENTICATION_FAILED');
      if (!isItsOwn) throw error;
      return error.code === 'MALFORMED' ? 'MALFORMED' : 'AUTHENTICATION_FAILED';
    }
  };

  const notOpening = new Map<SetAsideReason, number>();
  const refuse = (reason: SetAsideReason): void => {
    notOpening.set(reason, (notOpening.get(reason) ?? 0) + 1);
  };
  const doubtful: Buffer[] = [];
  let count = 0;
  for (const record of records) {
    count += 1;
    const reason = await attempt(record, (number) => keyring.byNumber(tenantId, number));
    if (reason === 'TOO_LARGE') refuse(reason);
    else if (reason !== null) doubtful.push(Buffer.from(record.id));
  }
  if (doubtful.length === 0) return { records: count, notOpening };
  deks.clear();
  const wanted = { tenantId, newKeyNumber: anyKey, identityBytes: format.identityBytes };
  const again = await readAnew(sweepStore, target, wanted, doubtful);
  for (const record of again) {
    const reason = await attempt(record, (number) => keyring.refresh(tenantId, number));
    if (reason !== null) refuse(reason);
  }
  return { records: count - (doubtful.length - again.length), notOpening };
}
