import type { DekToRewrap, RewrappedDek } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { needDek } from '@rekey/keyring';
import { type Kek, type Keks, KmsError } from '@rekey/kms';
import type { CallRate } from './call-rate.ts';

/** The KEK that a DEK is under does not unwrap it, or gives other bytes for it, tried twice: nobody could. */
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
  const bytes = await unwrapped(await keks.of(dek.kekId), dek, aad, rate);
  try {
    const after = await rate.call(() => target.wrap(bytes, aad));
    const back = await rate.call(() => target.unwrap(after, aad));
    const isSame = back.equals(bytes);
    back.fill(0);
    if (!isSame)
      throw new KmsError('CORRUPT', `KEK ${target.id} does not unwrap what it has wrapped`, {
        kekId: target.id,
      });
    return { id: dek.id, before: dek.wrapped, after };
  } finally {
    bytes.fill(0);
  }
}

async function unwrapped(kek: Kek, dek: DekToRewrap, aad: Buffer, rate: CallRate): Promise<Buffer> {
  const isUnusable = (error: unknown): boolean =>
    error instanceof KmsError && (error.code === 'CORRUPT' || error.code === 'MISMATCH');
  const once = async (): Promise<Buffer> => {
    const bytes = await rate.call(() => kek.unwrap(dek.wrapped, aad));
    needDek(bytes, dek.tenantId, dek);
    return bytes;
  };
  try {
    return await once();
  } catch (error) {
    if (!isUnusable(error)) throw error;
  }
  try {
    return await once();
  } catch (error) {
    throw isUnusable(error) ? new UnusableDek() : error;
  }
}
