import { dekWrapAad, isDek } from '@rekey/envelope';
import { type Keks, KmsError } from '@rekey/kms';

export type UnwrappingKeks = Pick<Keks, 'of' | 'held'>;

/** What is told of a stored DEK to whoever is to unwrap it. */
interface Stored {
  readonly id: string;
  readonly kekId: string;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** Null: a version before this one stored it, and what comes back is taken for it. */
  readonly check: Buffer | null;
}

/**
 * The bytes of a stored DEK, unwrapped with the KEK that its row names, and with no other. The caller zeroes them.
 *
 * @throws KmsError `NOT_HELD` when this process does not have it, `MISMATCH` when other bytes came back, and what the KEK
 *   throws
 */
export async function unwrapStored(keks: UnwrappingKeks, tenantId: string, stored: Stored): Promise<Buffer> {
  const { id, kekId, kekUri, wrapped } = stored;
  const kek = await keks.of(kekId).catch((error: unknown) => {
    if (error instanceof KmsError && error.code === 'NOT_HELD') throw notHeld(keks, { id, kekId, kekUri });
    throw error;
  });
  const bytes = await kek.unwrap(wrapped, dekWrapAad(tenantId, id));
  needDek(bytes, tenantId, stored);
  return bytes;
}

/**
 * That what a KEK gave back is the DEK that was stored, before anything is sealed, opened or wrapped with it. Other bytes are
 * zeroed.
 *
 * @throws KmsError `MISMATCH`
 */
export function needDek(
  bytes: Buffer,
  tenantId: string,
  { id, kekId, check }: Pick<Stored, 'id' | 'kekId' | 'check'>,
): void {
  if (check === null || isDek(bytes, tenantId, id, check)) return;
  bytes.fill(0);
  throw new KmsError('MISMATCH', `KEK ${kekId} gave other bytes for dek-${id} than were stored`, { kekId });
}

/** Without the URI: the message is shown to callers of the API, who need not know where workers have their keys. */
function notHeld(
  keks: UnwrappingKeks,
  { id, kekId, kekUri }: Pick<Stored, 'id' | 'kekId' | 'kekUri'>,
): KmsError {
  const inItsPlace = keks.held.find(({ uri }) => uri === kekUri);
  const hint =
    inItsPlace === undefined ? '' : `: at the URI that it had stands another one, ${inItsPlace.id}`;
  return new KmsError(
    'NOT_HELD',
    `dek-${id} is wrapped under KEK ${kekId}, which this process does not have${hint}`,
    { kekId },
  );
}
