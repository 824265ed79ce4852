import type { DekToRewrap, RewrappedDek } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { type Kek, type Keks, KmsError } from '@rekey/kms';
import type { CallRate } from './call-rate.ts';

/** The KEK that a DEK is under does not unwrap it, tried twice: nobody could. */
export class UnusableDek extends Error {}

/**
 * The bytes of one DEK under another KEK: unwrapped, wrapped, unwrapped again and compared. Nothing is stored.
 *
 * @throws UnusableDek; KmsError `NOT_HELD` where this process lacks the KEK that it is under, and what the KEKs throw
 */
export async function rewrapDek(
  { keks, target, rate }: { readonly keks: Pick<Keks, 'of'>; readonly target: Kek; readonly rate: CallRate },
  dek: DekToRewrap,
): Promise<RewrappedDek> {
  const aad = dekWrapAad(dek.tenantId, dek.id);
  const bytes = await unwrapped(await keks.of(dek.kekId), dek.wrapped, aad, rate);
  try {
    const after = await rate.call(() => target.wrap(bytes, aad));
    const back = await rate.call(() => target.unwrap(after, aad));
    const isSame = back.equals(bytes);
    back.fill(0);
    if (!isSame) throw new KmsError('CORRUPT', `KEK ${target.id} does not unwrap what it has wrapped`);
    return { id: dek.id, before: dek.wrapped, after };
  } finally {
    bytes.fill(0);
  }
}

async function unwrapped(kek: Kek, wrapped: Buffer, aad: Buffer, rate: CallRate): Promise<Buffer> {
  const isCorrupt = (error: unknown): boolean => error instanceof KmsError && error.code === 'CORRUPT';
  try {
    return await rate.call(() => kek.unwrap(wrapped, aad));
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
  try {
    return await rate.call(() => kek.unwrap(wrapped, aad));
  } catch (error) {
    throw isCorrupt(error) ? new UnusableDek() : error;
  }
}
