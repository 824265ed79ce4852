import { findTenantKek } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { dekWrapAad } from '@rekey/envelope';
import { type Kek, type Keks, KmsError, withTenantKeks } from '@rekey/kms';

/** The KEKs of a process and those of tenants, which stand in the database. `closeOpened` closes the latter. */
export function bindTenantKeks(
  keks: Keks,
  store: Queryable,
): { readonly keks: Keks; closeOpened(): Promise<void> } {
  return withTenantKeks(keks, (kekId) => findTenantKek(store, kekId));
}

/**
 * Tries whether a KEK unwraps what it wraps, bound to its tenant, as its key's policy may ask.
 *
 * @throws KmsError what it throws, and `CORRUPT` where something else comes back
 */
export async function tryTenantKek(
  kek: Pick<Kek, 'id' | 'wrap' | 'unwrap'>,
  tenantId: string,
  choiceId: string,
): Promise<void> {
  const aad = dekWrapAad(tenantId, choiceId);
  const bytes = Buffer.alloc(32, 0x5a);
  const back = await kek.unwrap(await kek.wrap(bytes, aad), aad);
  if (!back.equals(bytes))
    throw new KmsError('CORRUPT', 'KEK: what it wraps it does not unwrap', { kekId: kek.id });
}
