import type { Kek } from '@rekey/kms';

/** What the bytes of a round trip are bound to; no DEK is. */
export const roundTripAad = Buffer.from('rekey round trip');

/** Whether the KEK unwraps what it wraps, now and from this process. */
export async function isRoundTrip(kek: Pick<Kek, 'wrap' | 'unwrap'>): Promise<boolean> {
  const bytes = Buffer.alloc(32, 0x5a);
  try {
    const back = await kek.unwrap(await kek.wrap(bytes, roundTripAad), roundTripAad);
    return back.equals(bytes);
  } catch {
    return false;
  }
}
